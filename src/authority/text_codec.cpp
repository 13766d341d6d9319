#include "text_codec.hpp"

#include <sidegate/base/text.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace sidegate::authority {
namespace {

void append_percent_encoded(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kDigits[byte >> 4U];
  out += kDigits[byte & 15U];
}

}  // namespace

void append_segment(std::string& out, std::string_view text) {
  for (const char c : text) {
    const bool is_unreserved = base::is_alpha(c) || base::is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
    is_unreserved ? out.push_back(c) : append_percent_encoded(out, c);
  }
}

void append_form(std::string& out, std::string_view text) {
  for (const char c : text) {
    const bool is_plain = base::is_alpha(c) || base::is_digit(c) || c == '*' || c == '-' || c == '.' || c == '_';
    if (c == ' ') {
      out += '+';
    } else {
      is_plain ? out.push_back(c) : append_percent_encoded(out, c);
    }
  }
}

void append_base64(std::string& out, std::string_view bytes) {
  constexpr std::size_t kPiece = 48;  // gives 64 characters and no padding but at the end
  std::array<unsigned char, 65> text{};
  for (; !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size()))) {
    const auto piece = bytes.substr(0, kPiece);
    const int size = EVP_EncodeBlock(text.data(), reinterpret_cast<const unsigned char*>(piece.data()),
                                     static_cast<int>(piece.size()));
    out.append(reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size));
  }
}

bool is_visible(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

bool is_cookie_value(std::string_view text) noexcept {
  return is_visible(text) && text.find_first_of(";,\"") == std::string_view::npos;
}

}  // namespace sidegate::authority

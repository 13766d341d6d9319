#include <sidegate/token/claims.hpp>
#include <sidegate/token/subject.hpp>

#include <boost/json/value.hpp>

#include <array>
#include <charconv>

namespace sidegate::token {

using base::Reason;
using base::Result;

Result<std::string_view> subject_of(const boost::json::object& claims, std::string_view claim, std::string& storage) {
  const auto* const value = find_claim(claims, claim);
  if (value == nullptr) return Reason::MissingClaim;
  if (value->is_string()) {
    const std::string_view text = value->get_string();
    if (text.empty() || text == "." || text == "..") return Reason::MissingClaim;
    storage.assign(text);
    return std::string_view(storage);
  }
  std::array<char, 20> digits{};
  char* const end = digits.data() + digits.size();
  std::to_chars_result written{};
  if (value->is_int64()) {
    written = std::to_chars(digits.data(), end, value->get_int64());
  } else if (value->is_uint64()) {
    written = std::to_chars(digits.data(), end, value->get_uint64());
  } else {
    return Reason::MissingClaim;
  }
  storage.assign(digits.data(), written.ptr);
  return std::string_view(storage);
}

}  // namespace sidegate::token

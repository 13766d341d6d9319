#include "random_text.hpp"

#include <sidegate/base/text.hpp>

#include <openssl/rand.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace sidegate::demo {
namespace {

constexpr std::string_view kLetters = "abcdefghjkmnopqrstuvwxyz23456789";
static_assert(kLetters.size() == 32, "a random byte picks each letter equally often");
constexpr std::size_t kPasswordLetters = 16;
constexpr std::size_t kGroup = 4;

std::vector<std::uint8_t> random_bytes(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  // Without a random generator there is no secret to go on with.
  if (RAND_bytes(bytes.data(), static_cast<int>(count)) != 1) std::abort();
  return bytes;
}

}  // namespace

std::string random_hex(std::size_t bytes) {
  std::string text(bytes * 2, '\0');
  base::write_hex(random_bytes(bytes), text.data());
  return text;
}

std::string random_password() {
  std::string password;
  for (const std::uint8_t byte : random_bytes(kPasswordLetters)) {
    if (password.size() % (kGroup + 1) == kGroup) password += '-';
    password += kLetters[byte % kLetters.size()];
  }
  return password;
}

}  // namespace sidegate::demo

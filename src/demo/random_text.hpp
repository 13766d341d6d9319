#pragma once

#include <cstddef>
#include <string>

namespace sidegate::demo {

/// `bytes` random bytes (OpenSSL) in lower-case hexadecimal: keys and token identifiers.
std::string random_hex(std::size_t bytes);

/// 16 random letters and digits (80 bits) in groups of four, easy to type and safe to paste into a shell.
std::string random_password();

}  // namespace sidegate::demo

#pragma once

#include "cursor.hpp"

#include <sidegate/config/config.hpp>

#include <optional>

namespace sidegate::config {

inline constexpr std::size_t kSecretBytesMax = std::size_t{64} * 1024;

/// A secret reference: `{env: NAME}`, `{file: PATH}` (one trailing newline dropped), or a plain text. Neither a message
/// nor anything that is printed later holds the value.
std::optional<SecretReference> read_secret(const Cursor& cursor);

}  // namespace sidegate::config

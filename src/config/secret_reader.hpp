#pragma once

#include "cursor.hpp"

#include <sidegate/config/config.hpp>

#include <optional>

namespace sidegate::config {

inline constexpr std::size_t kSecretBytesMax = std::size_t{64} * 1024;
inline constexpr std::size_t kKeyFileBytesMax = std::size_t{1024} * 1024;

/// A secret reference: `{env: NAME}`, `{file: PATH}` (one trailing newline dropped), or a plain text. Neither a message
/// nor anything that is printed later holds the value.
std::optional<SecretReference> read_secret(const Cursor& cursor);

/// The same of a file whose name stands here as a text: that of a key, or of several.
std::optional<SecretReference> read_key_file(const Cursor& cursor);

}  // namespace sidegate::config

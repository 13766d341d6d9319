#pragma once

#include <optional>
#include <string_view>

namespace sidegate::token {

/// The parts of a token in compact form, still encoded, as views into it (RFC 7515 section 7.1).
struct CompactJws {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signing_input;  ///< header, full stop, payload: what the signature covers
};

/// Exactly three parts, the first not empty; otherwise nothing. An encrypted token (five parts) is none of ours.
std::optional<CompactJws> split_compact(std::string_view token) noexcept;

}  // namespace sidegate::token

#pragma once

#include "cursor.hpp"

#include <sidegate/config/config.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace sidegate::config {

/// `{cookie: NAME}` or `{bearer: HEADER}`.
std::optional<TokenSource> read_token_source(const Cursor& cursor);

/// A list of them, at least one.
std::vector<TokenSource> read_token_sources(const Cursor& cursor);

/// The name of a cookie or of a header; both are tokens (RFC 6265 section 4.1.1, RFC 9110 section 5.1).
std::optional<std::string> read_field_name(const Cursor& cursor, std::string_view what);

}  // namespace sidegate::config

#include "token_source_reader.hpp"

#include "block.hpp"

#include <sidegate/base/text.hpp>

#include <string>
#include <utility>

namespace sidegate::config {

std::optional<std::string> read_field_name(const Cursor& cursor, std::string_view what) {
  auto name = cursor.text();
  if (!name) return std::nullopt;
  if (base::is_token(*name)) return name;
  cursor.error_unlike(what);
  return std::nullopt;
}

std::optional<TokenSource> read_token_source(const Cursor& cursor) {
  if (!cursor.is_map()) {
    cursor.error_unlike("{cookie: NAME} or {bearer: Authorization}");
    return std::nullopt;
  }
  Block block(cursor);
  const auto cookie = block.find("cookie");
  const auto bearer = block.find("bearer");
  block.finish();
  if (cookie.has_value() == bearer.has_value()) {
    cursor.error("expected {cookie: NAME} or {bearer: Authorization}, one an item");
    return std::nullopt;
  }
  const Cursor& at = cookie ? *cookie : *bearer;
  auto name = read_field_name(at, cookie ? "the name of a cookie" : "the name of a header");
  if (!name) return std::nullopt;
  return TokenSource{cookie ? TokenSource::Kind::Cookie : TokenSource::Kind::Bearer, *std::move(name), at.where()};
}

std::vector<TokenSource> read_token_sources(const Cursor& cursor) {
  std::vector<TokenSource> sources;
  if (!cursor.is_list()) {
    cursor.error_unlike("a list such as [{cookie: access_token}]");
    return sources;
  }
  const auto items = cursor.items();
  if (items.empty()) cursor.error("at least one place of the token is needed");
  for (const Cursor& item : items) {
    if (auto source = read_token_source(item)) sources.push_back(*std::move(source));
  }
  return sources;
}

}  // namespace sidegate::config

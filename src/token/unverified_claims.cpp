#include <sidegate/token/base64url.hpp>
#include <sidegate/token/unverified_claims.hpp>

#include "compact_jws.hpp"

#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>

namespace sidegate::token {
namespace {

bool is_base64url(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

}  // namespace

bool has_jwt_form(std::string_view token) noexcept {
  const auto parts = split_compact(token);
  return parts && !parts->header.empty() && !parts->payload.empty() && is_base64url(parts->header) &&
         is_base64url(parts->payload) && is_base64url(parts->signature);
}

UnverifiedClaims::UnverifiedClaims(std::size_t token_bytes_max) : token_bytes_max_(token_bytes_max) {}

bool UnverifiedClaims::read(std::string_view token, boost::json::object& room) {
  const auto parts = token.size() <= token_bytes_max_ ? split_compact(token) : std::nullopt;
  if (!parts) return false;
  if (payload_.size() < decoded_size(parts->payload.size())) payload_.resize(token_bytes_max_);
  const auto size = decode_base64url(parts->payload, payload_);
  if (!size) return false;
  auto claims = reader_.read_object({payload_.data(), *size}, room.storage());
  if (!claims) return false;
  room = std::move(*claims);
  return true;
}

std::string_view UnverifiedClaims::issuer(std::string_view token, boost::json::object& room) {
  if (!read(token, room)) return {};
  const auto* const issuer = room.if_contains("iss");
  if (issuer == nullptr || !issuer->is_string()) return {};
  return {issuer->get_string().data(), issuer->get_string().size()};
}

}  // namespace sidegate::token

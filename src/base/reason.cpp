#include <sidegate/base/reason.hpp>

#include <array>

namespace sidegate::base {
namespace {

struct Entry {
  Reason reason;
  std::string_view name;
  unsigned status;
};

constexpr std::array<Entry, kReasonCount> kReasons{{
    {Reason::Accepted, "accepted", 0},
    {Reason::Missing, "missing", 401},
    {Reason::Malformed, "malformed", 401},
    {Reason::BadSignature, "bad_signature", 401},
    {Reason::Expired, "expired", 401},
    {Reason::NotYetValid, "not_yet_valid", 401},
    {Reason::WrongIssuer, "wrong_issuer", 401},
    {Reason::WrongAudience, "wrong_audience", 401},
    {Reason::MissingClaim, "missing_claim", 401},
    {Reason::Revoked, "revoked", 401},
    {Reason::Rejected, "rejected", 401},
    {Reason::Unavailable, "unavailable", 503},
    {Reason::BadRequestLine, "bad_request_line", 400},
    {Reason::BadMethod, "bad_method", 400},
    {Reason::ConnectMethod, "connect_method", 405},
    {Reason::UnsupportedVersion, "unsupported_version", 505},
    {Reason::BareLineFeed, "bare_line_feed", 400},
    {Reason::BareCarriageReturn, "bare_carriage_return", 400},
    {Reason::ObsoleteFolding, "obsolete_folding", 400},
    {Reason::BadFieldName, "bad_field_name", 400},
    {Reason::SpaceAroundFieldName, "space_around_field_name", 400},
    {Reason::ControlCharacter, "control_character", 400},
    {Reason::MissingHost, "missing_host", 400},
    {Reason::SeveralHosts, "several_hosts", 400},
    {Reason::BadHost, "bad_host", 400},
    {Reason::BadContentLength, "bad_content_length", 400},
    {Reason::SeveralContentLengths, "several_content_lengths", 400},
    {Reason::BadTransferEncoding, "bad_transfer_encoding", 400},
    {Reason::ConflictingFraming, "conflicting_framing", 400},
    {Reason::BadChunk, "bad_chunk", 400},
    {Reason::BadTrailer, "bad_trailer", 400},
    {Reason::BadUpgrade, "bad_upgrade", 400},
    {Reason::BadTarget, "bad_target", 400},
    {Reason::TargetAuthorityMismatch, "target_authority_mismatch", 400},
    {Reason::BadPercentEncoding, "bad_percent_encoding", 400},
    {Reason::EncodedControl, "encoded_control", 400},
    {Reason::EncodedSlash, "encoded_slash", 400},
    {Reason::PathParameters, "path_parameters", 400},
    {Reason::ClimbsAboveRoot, "climbs_above_root", 400},
    {Reason::HiddenDotSegment, "hidden_dot_segment", 400},
    {Reason::TargetTooLong, "target_too_long", 414},
    {Reason::HeadTooLarge, "head_too_large", 431},
    {Reason::TooManyFields, "too_many_fields", 431},
    {Reason::BodyTooLarge, "body_too_large", 413},
    {Reason::TokenTooLarge, "token_too_large", 401},
    {Reason::TooManyConnections, "too_many_connections", 503},
    {Reason::OutOfMemory, "out_of_memory", 503},
    {Reason::ClientTimeout, "client_timeout", 408},
    {Reason::SeveralAuthorizations, "several_authorizations", 400},
    {Reason::AmbiguousCookie, "ambiguous_cookie", 400},
    {Reason::QuotedCookie, "quoted_cookie", 400},
    {Reason::NoRoute, "no_route", 404},
    {Reason::MethodNotAllowed, "method_not_allowed", 405},
    {Reason::NotAuthorized, "not_authorized", 403},
    {Reason::CrossSite, "cross_site", 403},
    {Reason::OriginUnreachable, "origin_unreachable", 502},
    {Reason::OriginBroken, "origin_broken", 502},
    {Reason::OriginTimeout, "origin_timeout", 504},
    {Reason::OriginExhausted, "origin_exhausted", 503},
    {Reason::Draining, "draining", 503},
    {Reason::TunnelIdle, "tunnel_idle", 0},
    {Reason::ClientGone, "client_gone", 0},
}};

constexpr bool entries_in_order() {
  for (std::size_t i = 0; i < kReasons.size(); ++i) {
    if (kReasons[i].reason != static_cast<Reason>(i)) return false;
  }
  return true;
}
static_assert(entries_in_order());

}  // namespace

std::string_view name_of(Reason reason) noexcept {
  return kReasons[static_cast<std::size_t>(reason)].name;
}

unsigned status_of(Reason reason) noexcept {
  return kReasons[static_cast<std::size_t>(reason)].status;
}

bool ends_connection(Reason reason) noexcept {
  const unsigned status = status_of(reason);
  return status == 400 || status == 413 || reason == Reason::TokenTooLarge;
}

bool is_outcome(Reason reason) noexcept {
  return reason <= Reason::Unavailable;
}

}  // namespace sidegate::base

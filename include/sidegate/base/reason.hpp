#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sidegate::base {

/// Why a request was refused, or how an authenticator decided: one closed list.
///
/// The snake_case name of a reason (`name_of`) is the field in the access log, the label of the metric, what the
/// explanation prints and what the tests expect, so it never changes once released.
enum class Reason : std::uint8_t {
  // How an authenticator decided; these are the `outcome` label of sidegate_auth_decisions_total.
  Accepted,
  Missing,
  Malformed,
  BadSignature,
  Expired,
  NotYetValid,
  WrongIssuer,
  WrongAudience,
  MissingClaim,
  Revoked,
  Rejected,
  Unavailable,

  // The request's head cannot be read in exactly one way (RFC 9112).
  BadRequestLine,
  BadMethod,
  ConnectMethod,
  UnsupportedVersion,
  BareLineFeed,
  BareCarriageReturn,
  ObsoleteFolding,
  BadFieldName,
  SpaceAroundFieldName,
  ControlCharacter,
  MissingHost,
  SeveralHosts,
  BadHost,
  BadContentLength,
  SeveralContentLengths,
  BadTransferEncoding,
  ConflictingFraming,
  BadChunk,
  BadTrailer,
  BadUpgrade,

  // The target cannot be read in exactly one way (RFC 3986, RFC 9112 section 3.2).
  BadTarget,
  TargetAuthorityMismatch,
  BadPercentEncoding,
  EncodedControl,
  EncodedSlash,
  PathParameters,
  ClimbsAboveRoot,
  HiddenDotSegment,

  // A limit was reached.
  TargetTooLong,
  HeadTooLarge,
  TooManyFields,
  BodyTooLarge,
  TokenTooLarge,
  TooManyConnections,
  OutOfMemory,
  ClientTimeout,

  // Credentials that can be read in two ways.
  SeveralAuthorizations,
  AmbiguousCookie,
  QuotedCookie,

  // The routes and the caller's rights.
  NoRoute,
  MethodNotAllowed,
  NotAuthorized,
  CrossSite,

  // The origin.
  OriginUnreachable,
  OriginBroken,
  OriginTimeout,
  OriginExhausted,
  Draining,

  // A tunnel over which nothing came any more.
  TunnelIdle,

  // The client went away before the answer was whole.
  ClientGone,
};

/// The stable name of `reason`.
std::string_view name_of(Reason reason) noexcept;

/// The status that answers a request refused for `reason`; 0 where nothing can be answered any more (`TunnelIdle`,
/// `ClientGone`) and for `Accepted`.
unsigned status_of(Reason reason) noexcept;

/// Whether a request that was read whole and refused for `reason` is its connection's last: it could be read in two
/// ways, or went over a limit.
bool ends_connection(Reason reason) noexcept;

/// Whether `reason` is how an authenticator decided, and so a value of the `outcome` label.
bool is_outcome(Reason reason) noexcept;

/// How many reasons there are; reasons are dense from zero, so that counters can be an array.
inline constexpr std::size_t kReasonCount = static_cast<std::size_t>(Reason::ClientGone) + 1;

}  // namespace sidegate::base

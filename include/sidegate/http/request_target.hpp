#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/http/framing.hpp>
#include <sidegate/http/head.hpp>
#include <sidegate/http/target.hpp>

#include <string>

namespace sidegate::http {

/// The canonical target of `head`, whose framing was found to be `facts`. Where the target names a host itself, `Host`
/// must say the same (RFC 9112 section 3.2.2), or TargetAuthorityMismatch; a request of HTTP/1.0 without `Host` gets it
/// from there, in `facts`. `storage` is that of `canonicalise`.
base::Result<CanonicalTarget> read_target(const RequestHead& head, RequestFacts& facts, std::string& storage);

}  // namespace sidegate::http

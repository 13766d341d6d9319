#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/base/secret.hpp>

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// What of TLS is not done by Asio: who is trusted, and whom the other side must be.
namespace sidegate::authority {

struct FreeTlsContext {
  void operator()(SSL_CTX* context) const noexcept;
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTlsContext>;

/// The settings of a client that verifies its server, TLS 1.2 or later. Trusted are the certificates in the PEM text
/// `ca`, and no others; where there is none, the system's. The message says why they cannot be.
base::OrMessage<TlsContext> make_tls_context(const std::optional<base::Secret>& ca);

/// Shows the certificate in the PEM text `certificate`, with those that follow it there, to whoever asks for one, and
/// proves it with `private_key`. The message says why that cannot be.
base::OrMessage<void> show_certificate(SSL_CTX& context, const base::Secret& certificate,
                                       const base::Secret& private_key);

/// The other side must show a certificate for `host` (RFC 9525), a name or an IP literal; a name is told to it
/// (RFC 6066 section 3).
base::OrMessage<void> expect_host(SSL& connection, const std::string& host);

/// Why a handshake failed, for people; `error` is what came of it.
std::string explain_handshake(const SSL& connection, std::string_view error);

}  // namespace sidegate::authority

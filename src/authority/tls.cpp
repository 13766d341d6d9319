#include "tls.hpp"

#include <sidegate/base/ip_address.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace sidegate::authority {
namespace {

using base::Message;
using base::OrMessage;

struct Free {
  void operator()(BIO* made) const noexcept { BIO_free(made); }
  void operator()(X509* made) const noexcept { X509_free(made); }
  void operator()(EVP_PKEY* made) const noexcept { EVP_PKEY_free(made); }
};

std::unique_ptr<BIO, Free> reader_of(std::string_view text) {
  return std::unique_ptr<BIO, Free>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Whether reading PEM has ended since nothing more is there.
bool is_at_end() noexcept {
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/// A key that is encrypted is none: nobody is there to be asked for its password.
int no_password(char*, int, int, void*) {
  return -1;
}

OrMessage<void> trust_only(SSL_CTX& context, std::string_view pem) {
  const auto in = reader_of(pem);
  X509_STORE* const store = SSL_CTX_get_cert_store(&context);
  bool has_one = false;
  while (const auto certificate = std::unique_ptr<X509, Free>(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr))) {
    X509_STORE_add_cert(store, certificate.get());
    has_one = true;
  }
  if (!is_at_end()) return Message{"it holds a certificate that cannot be read"};
  if (!has_one) return Message{"it holds no certificate (BEGIN CERTIFICATE)"};
  // Whoever stands in the file is trusted, though somebody else may have signed its certificate.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

}  // namespace

void FreeTlsContext::operator()(SSL_CTX* context) const noexcept {
  SSL_CTX_free(context);
}

OrMessage<TlsContext> make_tls_context(const std::optional<base::Secret>& ca) {
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return Message{"there is no TLS 1.2"};
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (ca) {
    const auto trusted = trust_only(*context, ca->reveal());
    if (!trusted) return trusted.error();
  } else if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
    return Message{"the system's certificates cannot be read"};
  }
  return {boost::system::in_place_value, std::move(context)};
}

OrMessage<void> show_certificate(SSL_CTX& context, const base::Secret& certificate, const base::Secret& private_key) {
  const auto in = reader_of(certificate.reveal());
  bool has_one = false;
  while (const auto each = std::unique_ptr<X509, Free>(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr))) {
    const long used =
        has_one ? SSL_CTX_add1_chain_cert(&context, each.get()) : SSL_CTX_use_certificate(&context, each.get());
    has_one = true;
    if (used != 1) break;
  }
  if (!is_at_end()) return Message{"`certificate` holds a certificate that cannot be used"};
  if (!has_one) return Message{"`certificate` holds no certificate (BEGIN CERTIFICATE)"};
  const auto key_in = reader_of(private_key.reveal());
  const std::unique_ptr<EVP_PKEY, Free> key(PEM_read_bio_PrivateKey(key_in.get(), nullptr, &no_password, nullptr));
  ERR_clear_error();
  if (!key) return Message{"`private_key` holds no private key in PEM, or one that is encrypted"};
  const bool belongs = SSL_CTX_use_PrivateKey(&context, key.get()) == 1 && SSL_CTX_check_private_key(&context) == 1;
  ERR_clear_error();
  if (!belongs) return Message{"`private_key` is not that of `certificate`"};
  return {};
}

OrMessage<void> expect_host(SSL& connection, const std::string& host) {
  X509_VERIFY_PARAM* const expected = SSL_get0_param(&connection);
  if (base::IpAddress::parse(host)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1) return {};
  } else {
    const std::string name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
    // Names of hosts stand in subjectAltName alone (RFC 9525 section 2).
    X509_VERIFY_PARAM_set_hostflags(expected,
                                    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(expected, name.c_str(), name.size()) == 1 &&
        SSL_set_tlsext_host_name(&connection, name.c_str()) == 1) {
      return {};
    }
  }
  ERR_clear_error();
  return Message{"no certificate can be for this host"};
}

std::string explain_handshake(const SSL& connection, std::string_view error) {
  const long result = SSL_get_verify_result(&connection);
  switch (result) {
    case X509_V_OK:
      return "TLS fails: " + std::string(error);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the certificate is not for this host";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the certificate has expired";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "the certificate is not signed by a CA that is trusted; `ca` names one";
    default:
      return std::string("the certificate is refused: ") + X509_verify_cert_error_string(result);
  }
}

}  // namespace sidegate::authority

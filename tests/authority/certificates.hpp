#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <memory>
#include <string>

/// Certificates made by OpenSSL while the tests run.
namespace sidegate::authority {

struct Certificate {
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<X509> certificate;

  std::string pem() const {
    BIO* const out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, certificate.get());
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out, &bytes);
    std::string text(bytes, static_cast<std::size_t>(size));
    BIO_free(out);
    return text;
  }
};

inline void add_extension(X509& certificate, int id, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  if (extension == nullptr || X509_add_ext(&certificate, extension, -1) != 1) std::abort();
  X509_EXTENSION_free(extension);
}

/// A certificate, signed by `signer` or by itself, that is valid until so many seconds from now.
inline Certificate make_certificate(const std::string& name, const std::string& alternative_names,
                                    const Certificate* signer, long valid_for = 3600) {
  static long serial = 0;
  Certificate made{{EVP_EC_gen("P-256"), &EVP_PKEY_free}, {X509_new(), &X509_free}};
  X509* const x = made.certificate.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x), -7200);
  X509_gmtime_adj(X509_getm_notAfter(x), valid_for);
  X509_set_pubkey(x, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  const Certificate& by = signer != nullptr ? *signer : made;
  X509_set_issuer_name(x, X509_get_subject_name(by.certificate.get()));
  if (signer == nullptr) add_extension(*x, NID_basic_constraints, "critical,CA:TRUE");
  if (!alternative_names.empty()) add_extension(*x, NID_subject_alt_name, alternative_names);
  if (X509_sign(x, by.key.get(), EVP_sha256()) == 0) std::abort();
  return made;
}

}  // namespace sidegate::authority

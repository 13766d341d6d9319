#include "jwk_key.hpp"

#include "key_check.hpp"
#include "openssl_support.hpp"

#include <sidegate/base/secret.hpp>
#include <sidegate/token/base64url.hpp>
#include <sidegate/token/check_list.hpp>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sidegate::token {
namespace {

namespace json = boost::json;
using base::Message;
using base::OrMessage;
using Key = std::shared_ptr<EVP_PKEY>;
using Number = OpenSslPtr<BIGNUM, &BN_clear_free>;

enum class Half { Public, Private };

/// The bytes of a member in base64url.
OrMessage<base::Secret> bytes_of(const json::object& jwk, std::string_view name) {
  const auto text = optional_text(jwk, name);
  auto bytes = text ? decode_base64url(*text) : std::nullopt;
  if (!bytes || bytes->empty()) {
    return Message{"the JWK's \"" + std::string(name) + "\" must be in base64url, without padding"};
  }
  return base::Secret(std::move(*bytes));
}

/// The parameters of a key as they are gathered. OpenSSL copies numbers only when it makes the key, so they are kept.
class Parameters {
 public:
  void add(const char* name, std::string_view bytes) {
    numbers_.emplace_back(BN_bin2bn(octets(bytes), static_cast<int>(bytes.size()), nullptr));
    complete_ =
        complete_ && numbers_.back() && OSSL_PARAM_BLD_push_BN(builder_.get(), name, numbers_.back().get()) == 1;
  }
  void add_text(const char* name, const char* text) {
    complete_ = complete_ && OSSL_PARAM_BLD_push_utf8_string(builder_.get(), name, text, 0) == 1;
  }
  void add_octets(const char* name, std::string_view bytes) {
    complete_ = complete_ && OSSL_PARAM_BLD_push_octet_string(builder_.get(), name, bytes.data(), bytes.size()) == 1;
  }

  OrMessage<Key> make_key(const char* type, Half half) const {
    const OpenSslPtr<OSSL_PARAM, &OSSL_PARAM_free> parameters(complete_ ? OSSL_PARAM_BLD_to_param(builder_.get())
                                                                        : nullptr);
    const OpenSslPtr<EVP_PKEY_CTX, &EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* key = nullptr;
    const int selection = half == Half::Private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, selection, parameters.get()) != 1) {
      return openssl_failure("the JWK is not a valid key");
    }
    return Key(key, &EVP_PKEY_free);
  }

 private:
  OpenSslPtr<OSSL_PARAM_BLD, &OSSL_PARAM_BLD_free> builder_{OSSL_PARAM_BLD_new()};
  std::vector<Number> numbers_{};
  bool complete_ = builder_ != nullptr;
};

struct Member {
  std::string_view in_jwk;
  const char* in_openssl;
};

constexpr std::array<Member, 2> kRsaPublic{{{"n", OSSL_PKEY_PARAM_RSA_N}, {"e", OSSL_PKEY_PARAM_RSA_E}}};
constexpr std::array<Member, 1> kRsaPrivate{{{"d", OSSL_PKEY_PARAM_RSA_D}}};
constexpr std::array<Member, 5> kRsaFactors{{{"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
                                             {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},
                                             {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
                                             {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},
                                             {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}}};

/// RFC 7518 section 6.3.2: all of the factors or none.
bool has_factors(const json::object& jwk) noexcept {
  return std::any_of(kRsaFactors.begin(), kRsaFactors.end(),
                     [&](const Member& member) { return jwk.contains(member.in_jwk); });
}

OrMessage<Key> make_rsa(const json::object& jwk, Half half) {
  Parameters parameters;
  const auto add = [&](std::span<const Member> members) -> OrMessage<void> {
    for (const auto& [in_jwk, in_openssl] : members) {
      const auto bytes = bytes_of(jwk, in_jwk);
      if (!bytes) return bytes.error();
      parameters.add(in_openssl, bytes->reveal());
    }
    return {};
  };
  if (const auto added = add(kRsaPublic); !added) return added.error();
  if (half == Half::Public) return parameters.make_key("RSA", half);

  if (jwk.contains("oth")) return Message{"an RSA key of more than two primes is not supported"};
  if (const auto added = add(kRsaPrivate); !added) return added.error();
  if (has_factors(jwk)) {
    if (const auto added = add(kRsaFactors); !added) return added.error();
  }
  return parameters.make_key("RSA", half);
}

struct Curve {
  std::string_view name;
  const char* group;
  std::size_t coordinate_bytes;
};

constexpr std::array<Curve, 3> kCurves{{{"P-256", "P-256", 32}, {"P-384", "P-384", 48}, {"P-521", "P-521", 66}}};

/// RFC 7518 section 6.2.1.2: a coordinate has the full length of the curve, zeros in front included.
OrMessage<base::Secret> coordinate_of(const json::object& jwk, std::string_view name, const Curve& curve) {
  auto bytes = bytes_of(jwk, name);
  if (!bytes) return bytes.error();
  if (bytes->size() != curve.coordinate_bytes) {
    return Message{"the JWK's \"" + std::string(name) + "\" has " + std::to_string(bytes->size()) + " bytes; of " +
                   std::string(curve.name) + " it has " + std::to_string(curve.coordinate_bytes)};
  }
  return bytes;
}

OrMessage<Key> make_ec(const json::object& jwk, Half half) {
  const auto name = optional_text(jwk, "crv").value_or("");
  const auto* const curve =
      std::find_if(kCurves.begin(), kCurves.end(), [&](const Curve& known) { return known.name == name; });
  if (curve == kCurves.end()) {
    return Message{"the JWK's curve " + in_quotes(name) + " is not supported; P-256, P-384 and P-521 are"};
  }
  const auto x = coordinate_of(jwk, "x", *curve);
  if (!x) return x.error();
  const auto y = coordinate_of(jwk, "y", *curve);
  if (!y) return y.error();
  std::string point("\x04");  // both coordinates follow (SEC 1 section 2.3.3)
  point.append(x->reveal()).append(y->reveal());
  Parameters parameters;
  parameters.add_text(OSSL_PKEY_PARAM_GROUP_NAME, curve->group);
  parameters.add_octets(OSSL_PKEY_PARAM_PUB_KEY, point);
  if (half == Half::Public) return parameters.make_key("EC", half);

  const auto d = coordinate_of(jwk, "d", *curve);
  if (!d) return d.error();
  parameters.add(OSSL_PKEY_PARAM_PRIV_KEY, d->reveal());
  return parameters.make_key("EC", half);
}

OrMessage<Key> make_okp(const json::object& jwk, Half half) {
  const auto curve = optional_text(jwk, "crv").value_or("");
  if (curve != "Ed25519" && curve != "Ed448") {
    return Message{"the JWK's curve " + in_quotes(curve) + " is not supported; Ed25519 and Ed448 are"};
  }
  const auto x = bytes_of(jwk, "x");
  if (!x) return x.error();
  const std::string type(curve);
  Key key(EVP_PKEY_new_raw_public_key_ex(nullptr, type.c_str(), nullptr, octets(x->reveal()), x->size()),
          &EVP_PKEY_free);
  if (!key) return openssl_failure("the JWK is not a valid key");
  if (half == Half::Public) return key;

  const auto d = bytes_of(jwk, "d");
  if (!d) return d.error();
  Key both(EVP_PKEY_new_raw_private_key_ex(nullptr, type.c_str(), nullptr, octets(d->reveal()), d->size()),
           &EVP_PKEY_free);
  if (!both) return openssl_failure("the JWK is not a valid key");
  if (EVP_PKEY_eq(key.get(), both.get()) != 1) return Message{"the JWK's \"x\" and \"d\" do not belong together"};
  return both;
}

OrMessage<Key> make_key(const json::object& jwk, Half half) {
  const auto type = optional_text(jwk, "kty").value_or("");
  if (type == "RSA") return make_rsa(jwk, half);
  if (type == "EC") return make_ec(jwk, half);
  if (type == "OKP") return make_okp(jwk, half);
  return Message{"keys of the type " + in_quotes(type) + " are not supported; RSA, EC, OKP and oct are"};
}

/// A private half says nothing of the public one that it is for, so they are tried on each other.
bool verifies_what_it_signs(EVP_PKEY& key) {
  using Context = OpenSslPtr<EVP_MD_CTX, &EVP_MD_CTX_free>;
  constexpr std::string_view kMessage = "signed";
  const Context signing(EVP_MD_CTX_new());
  const Context verifying(EVP_MD_CTX_new());
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(&key));
  std::vector<unsigned char> signature(size);
  return signing && verifying &&
         EVP_DigestSignInit_ex(signing.get(), nullptr, nullptr, nullptr, nullptr, &key, nullptr) == 1 &&
         EVP_DigestSign(signing.get(), signature.data(), &size, octets(kMessage), kMessage.size()) == 1 &&
         EVP_DigestVerifyInit_ex(verifying.get(), nullptr, nullptr, nullptr, nullptr, &key, nullptr) == 1 &&
         EVP_DigestVerify(verifying.get(), signature.data(), size, octets(kMessage), kMessage.size()) == 1;
}

}  // namespace

std::optional<std::string_view> optional_text(const json::object& object, std::string_view name) noexcept {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr) return std::string_view{};
  if (!value->is_string()) return std::nullopt;
  return std::string_view(value->get_string().data(), value->get_string().size());
}

bool has_private_half(const json::object& jwk) noexcept {
  if (optional_text(jwk, "kty") == "oct") return false;
  return jwk.contains("d") || has_factors(jwk);
}

OrMessage<Key> public_key_of(const json::object& jwk) {
  return make_key(jwk, Half::Public);
}

OrMessage<Key> private_key_of(const json::object& jwk) {
  if (!jwk.contains("d")) return Message{"the JWK is a public key, which cannot sign; the private one is needed"};
  auto key = make_key(jwk, Half::Private);
  if (!key) return key.error();
  if (const auto kind = check_key(**key); !kind) return kind.error();  // what is too long would take its time
  if (!verifies_what_it_signs(**key)) return openssl_failure("the JWK's \"d\" does not belong to its public half");
  return key;
}

}  // namespace sidegate::token

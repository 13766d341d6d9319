#include "jwk.hpp"

#include "jwk_key.hpp"

#include <sidegate/token/base64url.hpp>
#include <sidegate/token/check_list.hpp>
#include <sidegate/token/json_reader.hpp>
#include <sidegate/token/published_keys.hpp>

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace sidegate::token {
namespace {

namespace json = boost::json;
using base::Message;
using base::OrMessage;

/// What a JWK says of its use.
struct Purpose {
  std::string id;
  std::optional<Algorithm> algorithm;
};

/// RFC 7517 section 4.3: a list of different texts.
bool allows(const json::value& operations, std::string_view operation) {
  const json::array* const list = operations.if_array();
  return list != nullptr && std::any_of(list->begin(), list->end(), [&](const json::value& item) {
           return item.is_string() && item.get_string() == operation;
         });
}

/// RFC 7517 sections 4.2 to 4.5. The message says that the key is for something else than `operation`.
OrMessage<Purpose> read_purpose(const json::object& jwk, std::string_view operation) {
  const auto use = optional_text(jwk, "use");
  if (!use || (!use->empty() && *use != "sig")) {
    return Message{"the JWK is not for signatures: its \"use\" is not \"sig\""};
  }
  const json::value* const operations = jwk.if_contains("key_ops");
  if (operations != nullptr && !allows(*operations, operation)) {
    return Message{"the JWK's \"key_ops\" do not have \"" + std::string(operation) + '"'};
  }
  const auto id = optional_text(jwk, "kid");
  if (!id) return Message{"the JWK's \"kid\" is no text"};
  Purpose purpose{std::string(*id), {}};
  if (jwk.contains("alg")) {
    auto algorithm = parse_algorithm(optional_text(jwk, "alg").value_or(""));
    if (!algorithm) return Message{"the JWK's \"alg\": " + algorithm.error().text};
    purpose.algorithm = *algorithm;
  }
  return purpose;
}

/// RFC 7518 section 6.4.
OrMessage<base::Secret> read_secret(const json::object& jwk) {
  auto secret = decode_base64url(optional_text(jwk, "k").value_or(""));
  if (!secret || secret->empty()) return Message{"the JWK's \"k\" must be the secret in base64url, without padding"};
  return base::Secret(std::move(*secret));
}

/// What differs between keys to verify with and keys to sign with.
struct Verifying {
  using Key = KeyMaterial;
  static constexpr std::string_view kOperation = "verify";

  static OrMessage<PublicKey> read_pair(const json::object& jwk) {
    auto key = public_key_of(jwk);
    if (!key) return key.error();
    return PublicKey::create(**key);
  }
  static OrMessage<base::Secret> read_secret(const json::object& jwk) { return token::read_secret(jwk); }
};

/// Keys that everybody can read.
struct VerifyingPublished : Verifying {
  static OrMessage<base::Secret> read_secret(const json::object&) {
    return Message{"it is a secret (\"kty\" is \"oct\"), and a secret that is published is none"};
  }
};

struct Signing {
  using Key = SigningKey;
  static constexpr std::string_view kOperation = "sign";

  static OrMessage<PrivateKey> read_pair(const json::object& jwk) {
    auto key = private_key_of(jwk);
    if (!key) return key.error();
    return PrivateKey::create(std::move(*key));
  }
  static OrMessage<base::Secret> read_secret(const json::object& jwk) { return token::read_secret(jwk); }
};

template <class Use>
OrMessage<typename Use::Key> read_one(const json::object& jwk, const Purpose& purpose) {
  typename Use::Key key{};
  key.id = purpose.id;
  key.algorithm = purpose.algorithm;
  if (optional_text(jwk, "kty") == "oct") {
    auto secret = Use::read_secret(jwk);
    if (!secret) return secret.error();
    key.key = std::move(*secret);
  } else {
    auto pair = Use::read_pair(jwk);
    if (!pair) return pair.error();
    key.key = std::move(*pair);
  }
  if (algorithms_for(key).empty()) {
    return Message{"the JWK's \"alg\" " + std::string(name_of(*key.algorithm)) + " does not fit its type"};
  }
  return {boost::system::in_place_value, std::move(key)};
}

/// The keys of a document, and what was seen on the way.
template <class Use>
struct Gathered {
  std::vector<typename Use::Key> keys{};
  std::vector<std::string> warnings{};
  std::optional<Message> first_problem{};

  void leave_out(Message why) {
    if (!first_problem) first_problem = std::move(why);
  }
};

/// It is kept with each key of each worker, and shown in logs.
constexpr std::size_t kIdBytesMax = 1024;

std::string name_in_set(std::size_t index, const Purpose& purpose) {
  return "key " + std::to_string(index) + " of the JWK Set" +
         (purpose.id.empty() ? std::string() : " (kid " + in_quotes(purpose.id) + ")");
}

template <class Use>
void gather_item(const json::value& item, std::size_t index, Gathered<Use>& out) {
  const json::object* const jwk = item.if_object();
  if (jwk == nullptr) return out.leave_out({"an item that is no object"});
  const auto purpose = read_purpose(*jwk, Use::kOperation);
  if (!purpose) return out.leave_out(purpose.error());
  if (purpose->id.size() > kIdBytesMax) {
    out.warnings.push_back("key " + std::to_string(index) + " of the JWK Set is left out: its kid is too long");
    return out.leave_out({"a kid of more than " + std::to_string(kIdBytesMax) + " bytes"});
  }
  auto key = read_one<Use>(*jwk, *purpose);
  if (key) return out.keys.push_back(std::move(*key));
  out.warnings.push_back(name_in_set(index, *purpose) + " is left out: " + key.error().text);
  out.leave_out(key.error());
}

/// RFC 7517 section 5. There may be no key among them that can be used.
template <class Use>
OrMessage<Gathered<Use>> gather_items(const json::value& set) {
  const json::array* const items = set.if_array();
  if (items == nullptr) return Message{"\"keys\" of a JWK Set must be a list"};
  if (items->size() > kSetKeysMax) {
    return Message{"the JWK Set has more than " + std::to_string(kSetKeysMax) + " keys"};
  }
  Gathered<Use> gathered;
  for (std::size_t i = 0; i < items->size(); ++i) gather_item((*items)[i], i, gathered);
  return {boost::system::in_place_value, std::move(gathered)};
}

template <class Use>
OrMessage<Gathered<Use>> gather_set(const json::value& set) {
  auto gathered = gather_items<Use>(set);
  if (!gathered || !gathered->keys.empty()) return gathered;
  if (!gathered->first_problem) return Message{"the JWK Set is empty"};
  return Message{"no key of the JWK Set can be used: " + gathered->first_problem->text};
}

template <class Use>
OrMessage<Gathered<Use>> gather(const json::object& document) {
  if (is_jwk_set(document)) return gather_set<Use>(document.at("keys"));
  const auto purpose = read_purpose(document, Use::kOperation);
  if (!purpose) return purpose.error();
  auto key = read_one<Use>(document, *purpose);
  if (!key) return key.error();
  Gathered<Use> gathered;
  gathered.keys.push_back(std::move(*key));
  return {boost::system::in_place_value, std::move(gathered)};
}

/// Whether a private half lies where nobody needs it.
bool has_unneeded_half(const json::object& document) {
  if (!is_jwk_set(document)) return has_private_half(document);
  const json::array* const items = document.at("keys").if_array();
  return items != nullptr && std::any_of(items->begin(), items->end(), [](const json::value& item) {
           return item.is_object() && has_private_half(item.get_object());
         });
}

}  // namespace

OrMessage<json::object> parse_jwk(std::string_view text) {
  auto object = JsonReader().read_object(text);
  if (!object) return Message{"it looks like a JWK, but is not valid JSON, or has a member twice"};
  return {boost::system::in_place_value, std::move(*object)};
}

bool is_jwk_set(const json::object& document) noexcept {
  return document.contains("keys");
}

OrMessage<KeyFile> read_jwks(const json::object& document) {
  auto gathered = gather<Verifying>(document);
  if (!gathered) return gathered.error();
  KeyFile file{std::move(gathered->keys), std::move(gathered->warnings)};
  if (has_unneeded_half(document)) {
    file.warnings.emplace_back(
        "it holds a private key, which is not used: only the public half is needed to verify, and only the issuer may "
        "have the other");
  }
  return {boost::system::in_place_value, std::move(file)};
}

OrMessage<KeyFile> read_published_keys(std::string_view text) {
  const auto document = JsonReader().read_object(text);
  if (!document) return Message{"it is not valid JSON, or has a member twice"};
  if (!is_jwk_set(*document)) return Message{"it is no JWK Set: it has no \"keys\""};
  auto gathered = gather_items<VerifyingPublished>(document->at("keys"));
  if (!gathered) return gathered.error();
  KeyFile published{std::move(gathered->keys), std::move(gathered->warnings)};
  if (has_unneeded_half(*document)) {
    published.warnings.emplace_back(
        "it publishes a private key, so that anybody can sign with it; the public half is used");
  }
  return {boost::system::in_place_value, std::move(published)};
}

OrMessage<std::vector<SigningKey>> read_signing_jwks(const json::object& document) {
  auto gathered = gather<Signing>(document);
  if (!gathered) return gathered.error();
  return {boost::system::in_place_value, std::move(gathered->keys)};
}

}  // namespace sidegate::token

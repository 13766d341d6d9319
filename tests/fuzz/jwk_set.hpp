#pragma once

#include <sidegate/token/jws_verifier.hpp>
#include <sidegate/token/key_material.hpp>
#include <sidegate/token/published_keys.hpp>
#include <sidegate/token/signer.hpp>

#include <string>
#include <string_view>
#include <variant>

#include "../../src/token/jwk.hpp"
#include "key_reading.hpp"
#include "property.hpp"

namespace sidegate::fuzz {

/// A key file as it was read, in words.
inline std::string text_of(const base::OrMessage<token::KeyFile>& file) {
  if (!file) return "refused: " + file.error().text;
  std::string text;
  for (const token::KeyMaterial& key : file->keys) {
    const auto* const pair = std::get_if<token::PublicKey>(&key.key);
    text += "key <" + key.id + "> " + names_of(algorithms_for(key)) + " <";
    text += pair != nullptr ? bytes_of(*pair) : std::string(std::get<base::Secret>(key.key).reveal());
    text += ">\n";
  }
  for (const std::string& warning : file->warnings) text += "warning: " + warning + '\n';
  return text;
}

/// What a key that was read from a key file promises.
inline Defect is_of_use(const token::KeyMaterial& key) {
  if (algorithms_for(key).empty()) return "a key is for no algorithm";
  const auto* const pair = std::get_if<token::PublicKey>(&key.key);
  if (pair == nullptr && std::get<base::Secret>(key.key).empty()) return "a secret is empty";
  if (pair != nullptr) {
    if (auto defect = is_public_key(*pair); !defect.empty()) return defect;
  }
  token::JwsVerifier verifier({token::kHmacAlgorithms | token::kPublicKeyAlgorithms, {}});
  const auto added = verifier.add_key(key);
  return added ? Defect{} : "a key cannot be verified with: " + added.error().text;
}

/// Both halves of one key belong together.
inline Defect halves_fit(const token::KeyMaterial& key, const token::SigningKey& signer) {
  const token::AlgorithmSet algorithms = algorithms_for(key);
  if (algorithms != algorithms_for(signer)) return "the halves of a key are for different algorithms";
  for (const token::Algorithm algorithm : token::kAlgorithms) {
    if (!algorithms.contains(algorithm)) continue;
    const auto made =
        token::sign_jws(R"({"alg":")" + std::string(name_of(algorithm)) + R"("})", "{}", algorithm, signer);
    if (!made) return "a key cannot sign: " + made.error().text;
    token::JwsVerifier verifier({algorithms, {}});
    if (!verifier.add_key(key) || !verifier.verify(*made, base::UnixTime{}))
      return "a key is not that of its signature";
  }
  return {};
}

/// What an issuer publishes holds no secret, and may hold no key at all.
inline Defect published_keys(std::string_view input) {
  const auto file = token::read_published_keys(input);
  if (auto defect = leaves_no_errors(); !defect.empty()) return "published: " + defect;
  const std::string text = text_of(file);
  if (const auto again = text_of(token::read_published_keys(input)); again != text) return differ("again", text, again);
  if (!file) return {};
  if (file->keys.size() > token::kSetKeysMax) return "more keys than a set may have are published";
  for (const token::KeyMaterial& key : file->keys) {
    if (std::holds_alternative<base::Secret>(key.key)) return "a published secret is used";
    if (auto defect = is_of_use(key); !defect.empty()) return "published: " + defect;
  }
  return {};
}

/// Every key that is read from a JWK, a set or whatever else a key file is can be used, within the limits; and reading
/// it again gives the same.
inline Defect jwk_set(std::string_view input) {
  if (auto defect = published_keys(input); !defect.empty()) return defect;
  const auto file = token::read_key_file(input);
  if (auto defect = leaves_no_errors(); !defect.empty()) return defect;
  const std::string text = text_of(file);
  if (const auto again = text_of(token::read_key_file(input)); again != text) return differ("again", text, again);
  const auto signers = token::read_signing_keys(input);
  if (auto defect = leaves_no_errors(); !defect.empty()) return "signing: " + defect;
  if (signers && signers->size() > token::kSetKeysMax) return "more keys to sign with than a set may have";
  if (!file) return {};
  if (file->keys.empty() || file->keys.size() > token::kSetKeysMax) return "too many keys, or none";
  for (const token::KeyMaterial& key : file->keys) {
    if (auto defect = is_of_use(key); !defect.empty()) return defect + ":\n" + text;
  }
  const bool is_single = signers && signers->size() == 1 && file->keys.size() == 1;
  const bool is_set = token::form_of(input) == token::KeyForm::Jwk && token::is_jwk_set(*token::parse_jwk(input));
  return is_single && !is_set ? halves_fit(file->keys.front(), signers->front()) : Defect{};
}

}  // namespace sidegate::fuzz

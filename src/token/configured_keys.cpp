#include "configured_keys.hpp"

#include "jwk.hpp"
#include "pem_key.hpp"
#include "secret_check.hpp"

#include <sidegate/token/check_list.hpp>
#include <sidegate/token/key_material.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace sidegate::token {
namespace {

using base::Message;
using base::OrMessage;
using Form = config::Key::Form;

/// What people call a key: where it stands, and where it comes from.
std::string label_of(const config::Key& key, std::size_t index) {
  const std::string place = "keys[" + std::to_string(index) + "]";
  return key.secret.kind == config::SecretReference::Kind::Plain ? place : place + " (" + key.secret.source() + ")";
}

OrMessage<KeyFile> read_pem_file(std::string_view text) {
  if (form_of(text) == KeyForm::Jwk) return Message{"it is a JWK; jwk_file and jwks_file read those"};
  auto key = read_public_pem(text, PrivateHalf::Refused);
  if (!key) return key.error();
  KeyFile file;
  file.keys.push_back({std::move(*key), {}, {}, {}});
  return {boost::system::in_place_value, std::move(file)};
}

OrMessage<KeyFile> read_jwk_file(std::string_view text, Form form) {
  if (form_of(text) == KeyForm::Pem) return Message{"it is a PEM; pem_file reads those"};
  if (form_of(text) == KeyForm::Raw)
    return Message{"it is not a JWK: a JSON object with \"kty\", or a set with \"keys\""};
  const auto document = parse_jwk(text);
  if (!document) return document.error();
  if (form == Form::Jwk && is_jwk_set(*document)) return Message{"it is a JWK Set; jwks_file reads those"};
  if (form == Form::JwkSet && !is_jwk_set(*document)) return Message{"it is a single JWK; jwk_file reads those"};
  return read_jwks(*document);
}

/// Reads the keys of one authenticator, one item of `keys` after the other.
class Reading {
 public:
  Reading(const config::JwtAuthenticator& settings, AlgorithmSet algorithms, JwsVerifier& signatures,
          config::Diagnostics& diagnostics)
      : settings_(settings), algorithms_(algorithms), signatures_(signatures), diagnostics_(diagnostics) {
    const auto is_known = [](const auto& name) { return find_algorithm(name.value).has_value(); };
    algorithms_are_known_ = std::all_of(settings.algorithms.begin(), settings.algorithms.end(), is_known);
  }

  void run() {
    for (std::size_t i = 0; i < settings_.keys.size(); ++i) add(settings_.keys[i], i);
    if (failed_ || !algorithms_are_known_ || settings_.keys.empty()) return;
    for (const auto& name : settings_.algorithms) {
      const auto algorithm = find_algorithm(name.value);
      if (algorithm && !used_.contains(*algorithm)) {
        diagnostics_.warning(name.where, "no key fits this algorithm, so its tokens are refused");
      }
    }
  }

 private:
  void add(const config::Key& key, std::size_t index) {
    if (key.form == Form::Issuer) return expect_from_issuer(key);
    const std::string label = label_of(key, index);
    const auto file = read(key);
    if (!file) return;
    for (const std::string& warning : file->warnings) diagnostics_.warning(key.where(), warning);
    // Where an algorithm is misspelt nobody can say which keys fit.
    if (!algorithms_are_known_ || algorithms_.empty()) return;
    bool fits = false;
    for (KeyMaterial material : file->keys) {
      const AlgorithmSet fitting = algorithms_for(material) & algorithms_;
      if (fitting.empty()) continue;
      fits = true;
      used_ = used_ | fitting;
      material.until = key.until;
      material.label = material.id.empty() ? label : label + " kid " + in_quotes(material.id);
      if (const auto added = signatures_.add_key(material, index); !added) fail(key, added.error().text);
    }
    if (!fits) fail(key, explain(key, *file));
  }

  /// What an issuer will publish cannot be known, but that it is no secret.
  void expect_from_issuer(const config::Key& key) {
    if (!algorithms_are_known_ || algorithms_.empty()) return;
    const AlgorithmSet fitting = algorithms_ & kPublicKeyAlgorithms;
    if (fitting.empty())
      return fail(key, "an issuer publishes public keys, and " + names_of(algorithms_) + " needs a secret");
    used_ = used_ | fitting;
  }

  /// Nothing where it was reported what is wrong.
  std::optional<KeyFile> read(const config::Key& key) {
    const std::string_view text = key.secret.secret.reveal();
    if (key.form == Form::Secret) {
      if (!check_secret(key, algorithms_, diagnostics_)) {
        failed_ = true;
        return std::nullopt;
      }
      KeyFile file;
      file.keys.push_back({key.secret.secret, {}, {}, {}});
      return file;
    }
    auto file = key.form == Form::Pem ? read_pem_file(text) : read_jwk_file(text, key.form);
    if (!file) {
      fail(key, "this key file cannot be used: " + file.error().text);
      return std::nullopt;
    }
    for (const KeyMaterial& material : file->keys) {
      const auto* const secret = std::get_if<base::Secret>(&material.key);
      if (secret == nullptr || key.allow_weak) continue;
      if (auto weakness = find_weakness(*secret, algorithms_for(material) & algorithms_)) {
        fail(key, *weakness);
        return std::nullopt;
      }
    }
    return std::move(*file);
  }

  std::string explain(const config::Key& key, const KeyFile& file) const {
    if (file.keys.size() > 1) {
      return "none of the " + std::to_string(file.keys.size()) + " keys of the set fits the algorithms " +
             names_of(algorithms_);
    }
    const std::string misfit = explain_misfit(file.keys.front(), algorithms_);
    return key.form == Form::Secret ? misfit + "; a public key is given as pem_file, jwk_file or jwks_file" : misfit;
  }

  void fail(const config::Key& key, std::string message) {
    failed_ = true;
    diagnostics_.error(key.where(), std::move(message));
  }

  const config::JwtAuthenticator& settings_;
  AlgorithmSet algorithms_;
  JwsVerifier& signatures_;
  config::Diagnostics& diagnostics_;
  AlgorithmSet used_{};
  bool algorithms_are_known_ = false;
  bool failed_ = false;
};

}  // namespace

void add_configured_keys(const config::JwtAuthenticator& settings, AlgorithmSet algorithms, JwsVerifier& signatures,
                         config::Diagnostics& diagnostics) {
  Reading(settings, algorithms, signatures, diagnostics).run();
}

}  // namespace sidegate::token

#include <sidegate/token/key_material.hpp>

#include "jwk.hpp"
#include "pem_key.hpp"

#include <algorithm>
#include <utility>

namespace sidegate::token {
namespace {

using base::Message;
using base::OrMessage;

constexpr std::string_view kBlanks = " \t\r\n";

}  // namespace

AlgorithmSet algorithms_for(const KeyMaterial& key) noexcept {
  const auto* const pair = std::get_if<PublicKey>(&key.key);
  const AlgorithmSet by_kind = pair != nullptr ? algorithms_of(pair->kind()) : kHmacAlgorithms;
  return key.algorithm ? by_kind & AlgorithmSet{*key.algorithm} : by_kind;
}

std::string explain_misfit(const KeyMaterial& key, AlgorithmSet accepted) {
  const auto* const pair = std::get_if<PublicKey>(&key.key);
  const std::string what = pair != nullptr ? "a public key (" + std::string(name_of(pair->kind())) + ")" : "a secret";
  const std::string by = key.algorithm ? ", by its \"alg\"," : "";
  return what + by + " is for " + names_of(algorithms_for(key)) + "; accepted here: " + names_of(accepted);
}

KeyForm form_of(std::string_view bytes) noexcept {
  // Text before the first block is allowed (RFC 7468 section 2); `openssl x509 -text` writes some.
  if (bytes.find("-----BEGIN ") != bytes.npos) return KeyForm::Pem;
  bytes.remove_prefix(std::min(bytes.find_first_not_of(kBlanks), bytes.size()));
  const bool has_members = bytes.find("\"kty\"") != bytes.npos || bytes.find("\"keys\"") != bytes.npos;
  return bytes.starts_with('{') && has_members ? KeyForm::Jwk : KeyForm::Raw;
}

OrMessage<KeyFile> read_key_file(std::string_view bytes) {
  KeyFile file;
  switch (form_of(bytes)) {
    case KeyForm::Pem: {
      auto key = read_public_pem(bytes, PrivateHalf::LeftOut);
      if (!key) return key.error();
      file.keys.push_back({std::move(*key), {}, {}, {}});
      return {boost::system::in_place_value, std::move(file)};
    }
    case KeyForm::Jwk: {
      const auto document = parse_jwk(bytes);
      return document ? read_jwks(*document) : document.error();
    }
    case KeyForm::Raw:
      break;
  }
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  if (bytes.empty()) return Message{"the key is empty"};
  file.keys.push_back({base::Secret(std::string(bytes)), {}, {}, {}});
  return {boost::system::in_place_value, std::move(file)};
}

}  // namespace sidegate::token

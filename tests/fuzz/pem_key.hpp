#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "../../src/token/pem_key.hpp"
#include "key_reading.hpp"
#include "property.hpp"

namespace sidegate::fuzz {

template <class Key>
std::string text_of(const base::OrMessage<Key>& key) {
  if (!key) return "refused: " + key.error().text;
  std::string text(name_of(key->kind()));
  if constexpr (std::is_same_v<Key, token::PublicKey>) text += " <" + bytes_of(*key) + '>';
  return text;
}

/// What is read from a PEM is a public key that may be used; what one who is strict about private keys reads, one who
/// is not reads as well; and reading it again gives the same.
inline Defect pem_key(std::string_view input) {
  using token::PrivateHalf;
  const auto strict = token::read_public_pem(input, PrivateHalf::Refused);
  if (auto defect = leaves_no_errors(); !defect.empty()) return defect;
  const auto lenient = token::read_public_pem(input, PrivateHalf::LeftOut);
  if (auto defect = leaves_no_errors(); !defect.empty()) return defect;
  const auto signer = token::read_private_pem(input);
  if (auto defect = leaves_no_errors(); !defect.empty()) return "private: " + defect;

  if (strict && text_of(strict) != text_of(lenient)) return differ("leniently", text_of(strict), text_of(lenient));
  if (strict && signer) return "what holds no private key can sign";
  const auto again = token::read_public_pem(input, PrivateHalf::LeftOut);
  if (text_of(again) != text_of(lenient)) return differ("again", text_of(lenient), text_of(again));
  const auto signer_again = token::read_private_pem(input);
  if (text_of(signer_again) != text_of(signer)) return differ("again", text_of(signer), text_of(signer_again));
  if (lenient) {
    if (auto defect = is_public_key(*lenient); !defect.empty()) return defect;
    if (signer && signer->kind() != lenient->kind()) return "the halves of a key are of different kinds";
  }
  return {};
}

}  // namespace sidegate::fuzz

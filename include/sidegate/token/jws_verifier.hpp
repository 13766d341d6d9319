#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/token/algorithm.hpp>
#include <sidegate/token/check_list.hpp>
#include <sidegate/token/key_material.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace sidegate::token {

/// What the header of a token must say.
struct JwsRules {
  AlgorithmSet algorithms;  ///< the only ones that are accepted, whatever the token names
  std::string type;         ///< the `typ` that is wanted; empty: any
};

/// A signed content that was verified.
struct VerifiedJws {
  std::string_view payload;  ///< the bytes that the signature covers; they last until the next `verify`
  base::UnixTime expires;    ///< the `until` of the key that made the signature, or the end of time
};

/// Verifies the signature of tokens in compact form, whatever they carry (RFC 7515).
///
/// It keeps keyed contexts and its work space, and the header of the last token that it accepted: the headers of an
/// issuer are all the same, and need not be read again. So it belongs to one thread, and allocates nothing once warm.
class JwsVerifier {
 public:
  explicit JwsVerifier(JwsRules rules);
  ~JwsVerifier();
  JwsVerifier(JwsVerifier&&) noexcept;
  JwsVerifier& operator=(JwsVerifier&&) noexcept;

  /// Adds a key; the message says why it cannot be used. With no key at all every token is refused. Keys of the same
  /// `origin` are removed together.
  base::OrMessage<void> add_key(const KeyMaterial& key, std::size_t origin = 0);
  void remove_keys(std::size_t origin);

  /// The payload of `token`, or why it is refused, in the order of the checks: Malformed (not three parts of base64url,
  /// or a header that breaks the rules), BadSignature (an algorithm that is not accepted, or no key made the
  /// signature). The checks that were made are noted in `checks`.
  base::Result<VerifiedJws> verify(std::string_view token, base::UnixTime now, CheckList* checks = nullptr);

  /// What the last token was refused for the lack of.
  enum class Lack {
    Nothing,  ///< it was accepted, or its own text is what is wrong
    Signer,   ///< the key that made it is none of those that there are
    KeyId,    ///< the same, and it names a `kid` that none of them has
    Keys,     ///< there is no key at all
  };
  Lack last_lack() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidegate::token

#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/config/diagnostics.hpp>
#include <sidegate/token/jwt_verifier.hpp>
#include <sidegate/token/signer.hpp>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "../token/forging.hpp"
#include "../token/rfc_vectors.hpp"
#include "property.hpp"

namespace sidegate::fuzz {

/// Keys of the RFCs' examples, one of each kind, so that their tokens are good ones.
class Tokens {
 public:
  static constexpr base::UnixTime kNow{std::chrono::seconds(1'300'819'379)};  // the last second of those of RFC 7515

  Tokens() {
    for (const token::RfcVector& vector : token::kRfcVectors) {
      if (vector.name == "RFC 7515 A.1" || vector.name == "RFC 7515 A.2" || vector.name == "RFC 7515 A.3") {
        add_key(vector.jwk);
        good_.push_back(vector.token);
      }
    }
    const token::RfcSigner& signer = token::kRfcSigners.back();
    add_key(signer.jwk);
    good_.push_back(*token::sign_jws(signer.header, *token::decode_base64url(token::kJoePayload),
                                     token::Algorithm::EdDSA, token::read_signing_keys(signer.jwk)->front()));
    for (const char* const name : {"HS256", "RS256", "ES256", "EdDSA"}) settings_.algorithms.push_back({name, {}});
    settings_.issuer = "joe";
  }

  token::JwtVerifier verifier(std::size_t cache_entries) const {
    config::JwtAuthenticator settings = settings_;
    settings.verified_cache.max_entries = cache_entries;
    config::Diagnostics diagnostics("fuzz");
    token::JwtVerifier verifier(settings, diagnostics);
    if (!diagnostics.ok()) std::abort();
    return verifier;
  }

  bool is_good(std::string_view text) const { return std::find(good_.begin(), good_.end(), text) != good_.end(); }

  /// Whether an issuer signed these two parts. Nobody can tell that but by the secret, or by having seen it.
  bool was_signed(const std::string& text) const {
    const token::TokenParts parts = token::parts_of(text);
    if (token::sealed(parts.header, parts.payload, secret()) == text) return true;
    return std::any_of(good_.begin(), good_.end(), [&](const std::string& good) {
      return token::parts_of(good).signing_input() == parts.signing_input();
    });
  }

  static std::string secret() {
    return std::string(
        std::get<base::Secret>(token::read_key_file(token::kRfcVectors.front().jwk)->keys.at(0).key).reveal());
  }

 private:
  void add_key(std::string_view jwk) {
    config::Key key;
    key.form = config::Key::Form::Jwk;
    key.secret.secret = base::Secret(std::string(jwk));
    settings_.keys.push_back(std::move(key));
  }

  config::JwtAuthenticator settings_;
  std::vector<std::string> good_;
};

/// What a verifier says of one token, in words.
inline std::string answer_of(token::JwtVerifier& verifier, std::string_view text, token::CheckList* checks = nullptr) {
  boost::json::object room;
  const auto verified = verifier.verify(text, Tokens::kNow, room, checks);
  if (!verified) return std::string(base::name_of(verified.error()));
  return "accepted from " + std::to_string(verified->validity.from.time_since_epoch().count()) + " until " +
         std::to_string(verified->validity.until.time_since_epoch().count()) + ": " +
         boost::json::serialize(*verified->claims);
}

/// What a token that is accepted must be, read with nothing that the verifier reads it with.
inline Defect is_authentic(const Tokens& tokens, const std::string& text) {
  if (!tokens.was_signed(text)) return "nobody signed what is accepted";
  const token::TokenParts parts = token::parts_of(text);
  for (const std::string& part : {parts.header, parts.payload, parts.signature}) {
    const auto bytes = token::decode_base64url(part);
    if (!bytes || token::key_pairs::encoded(*bytes) != part) return "a part is not the text of its bytes";
  }
  boost::system::error_code error;
  const auto header = boost::json::parse(*token::decode_base64url(parts.header), error);
  if (error || !header.is_object() || header.get_object().contains("crit")) return "its header is not to be accepted";
  const auto claims = boost::json::parse(*token::decode_base64url(parts.payload), error);
  if (error || !claims.is_object()) return "its payload is no object";
  const auto* const issuer = claims.get_object().if_contains("iss");
  if (issuer == nullptr || *issuer != "joe") return "another issued it";
  const auto* const end = claims.get_object().if_contains("exp");
  const auto now = static_cast<double>(Tokens::kNow.time_since_epoch().count());
  return end == nullptr || !end->is_number() || end->to_number<double>() <= now ? "it has expired" : Defect{};
}

/// One token, asked about in every way.
inline Defect one_answer(const Tokens& tokens, const std::string& text) {
  static token::JwtVerifier plain = tokens.verifier(0);
  static token::JwtVerifier caching = tokens.verifier(4);
  const std::string answer = answer_of(plain, text);
  const bool accepted = answer.starts_with("accepted");
  if (const auto again = answer_of(plain, text); again != answer) return differ("again", answer, again);
  for (const std::string_view round : {"with a cache", "from the cache"}) {
    if (const auto cached = answer_of(caching, text); cached != answer) return differ(round, answer, cached);
  }
  for (token::JwtVerifier* const verifier : {&plain, &caching}) {
    token::CheckList checks;
    const auto checked = answer_of(*verifier, text, &checks);
    if (checked != answer) return differ("with a list of checks", answer, checked);
    if (checks.empty() || checks.back().passed != accepted) return "the last check is not what decided: " + answer;
    const bool others_passed =
        std::all_of(checks.begin(), checks.end() - 1, [](const auto& one) { return one.passed; });
    if (!others_passed) return "a check that failed is not the last: " + answer;
  }
  if (!accepted) return tokens.is_good(text) ? "a good token is refused: " + answer : Defect{};
  return is_authentic(tokens, text);
}

/// A token is accepted only where its issuer signed it, and whatever way it is asked about, the answer is the same.
///
/// The input is tried as a token. Where it has a line feed, what stands before it is also signed as the header and what
/// stands behind it as the payload of a token, and that once more with one bit changed.
inline Defect jwt(std::string_view input) {
  static const Tokens tokens;
  static const std::string secret = Tokens::secret();
  if (auto defect = one_answer(tokens, std::string(input)); !defect.empty()) return defect;
  const auto line_end = input.find('\n');
  if (line_end == std::string_view::npos) return {};
  const std::string made = token::sealed(token::key_pairs::encoded(input.substr(0, line_end)),
                                         token::key_pairs::encoded(input.substr(line_end + 1)), secret);
  if (auto defect = one_answer(tokens, made); !defect.empty()) return defect;
  std::string changed = made;
  changed[std::hash<std::string>{}(made) % made.size()] ^= 1;
  return one_answer(tokens, changed);
}

}  // namespace sidegate::fuzz

#include <sidegate/token/base64url.hpp>
#include <sidegate/token/json_reader.hpp>
#include <sidegate/token/jws_verifier.hpp>

#include "compact_jws.hpp"
#include "jose_header.hpp"
#include "key_ring.hpp"

#include <boost/json/monotonic_resource.hpp>

#include <array>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace sidegate::token {
namespace {

namespace json = boost::json;
using base::Reason;

/// Anybody can write a header, so it may cost little; a chain of certificates in it still fits.
constexpr JsonLimits kHeaderLimits{std::size_t{16} * 1024, 64, 8};
constexpr std::size_t kHeaderArenaBytes = 2048;

/// Decodes the parts of a token one after the other into one buffer that is never made smaller.
class DecodedParts {
 public:
  explicit DecodedParts(std::vector<char>& buffer) noexcept : free_(buffer) {}

  std::optional<std::string_view> decode(std::string_view text) noexcept {
    const auto size = decode_base64url(text, free_);
    if (!size) return std::nullopt;
    const std::string_view bytes(free_.data(), *size);
    free_ = free_.subspan(*size);
    return bytes;
  }

 private:
  std::span<char> free_;
};

}  // namespace

struct JwsVerifier::State {
  base::Result<void> read_unseen_header(std::string_view bytes, CheckList* checks) {
    std::array<unsigned char, kHeaderArenaBytes> arena;
    json::monotonic_resource resource(arena.data(), arena.size());
    const auto header = reader.read_object(bytes, &resource);
    if (!header)
      return fail(checks, CheckName::Header, header.error(), "it is not a JSON object, or has a member twice");
    return read_header(*header, rules, unseen, checks);
  }

  Lack lack_of(std::string_view key_id) const noexcept {
    if (keys.empty()) return Lack::Keys;
    return key_id.empty() || keys.knows(key_id) ? Lack::Signer : Lack::KeyId;
  }

  JwsRules rules;
  KeyRing keys{};
  JsonReader reader{kHeaderLimits};
  std::vector<char> buffer{};
  std::string last_text{};  // the encoded header of the last token that was accepted
  JoseHeader last{};        // and what it says
  JoseHeader unseen{};
  Lack last_lack = Lack::Nothing;
};

JwsVerifier::JwsVerifier(JwsRules rules) : state_(std::make_unique<State>(State{std::move(rules)})) {}
JwsVerifier::~JwsVerifier() = default;
JwsVerifier::JwsVerifier(JwsVerifier&&) noexcept = default;
JwsVerifier& JwsVerifier::operator=(JwsVerifier&&) noexcept = default;

base::OrMessage<void> JwsVerifier::add_key(const KeyMaterial& key, std::size_t origin) {
  return state_->keys.add(key, state_->rules.algorithms, origin);
}

void JwsVerifier::remove_keys(std::size_t origin) {
  state_->keys.remove(origin);
}

JwsVerifier::Lack JwsVerifier::last_lack() const noexcept {
  return state_->last_lack;
}

base::Result<VerifiedJws> JwsVerifier::verify(std::string_view token, base::UnixTime now, CheckList* checks) {
  State& state = *state_;
  state.last_lack = Lack::Nothing;
  const auto malformed = [checks](std::string_view why) {
    return fail(checks, CheckName::Form, Reason::Malformed, why);
  };
  const auto parts = split_compact(token);
  if (!parts) return malformed("it is not three parts with full stops between them");
  if (state.buffer.size() < token.size()) state.buffer.resize(token.size());
  DecodedParts decoded(state.buffer);
  const auto payload = decoded.decode(parts->payload);
  const auto signature = decoded.decode(parts->signature);
  if (!payload || !signature) return malformed("its payload or its signature is not base64url");

  // A header that is to be told about is read like one that was never seen.
  const bool seen = checks == nullptr && parts->header == state.last_text;
  if (!seen) {
    const auto header = decoded.decode(parts->header);
    if (!header) return malformed("its header is not base64url");
    pass(checks, CheckName::Form, "three parts of base64url");
    if (const auto read = state.read_unseen_header(*header, checks); !read) return read.error();
  }
  const JoseHeader& header = seen ? state.last : state.unseen;
  const auto until = state.keys.verify(header.algorithm, header.key_id, parts->signing_input, *signature, now, checks);
  if (!until) {
    state.last_lack = state.lack_of(header.key_id);
    return Reason::BadSignature;
  }
  if (!seen) {
    // Only now, so that forged headers cannot push the issuer's out.
    state.last_text.assign(parts->header);
    std::swap(state.last, state.unseen);
  }
  return VerifiedJws{*payload, *until};
}

}  // namespace sidegate::token

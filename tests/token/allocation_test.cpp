#include "key_pairs.hpp"

#include <sidegate/token/jwt_verifier.hpp>
#include <sidegate/token/signer.hpp>

#include "verified_token_cache.hpp"

#include <gtest/gtest.h>
#include <boost/json/monotonic_resource.hpp>

#include <array>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

#include <malloc.h>

namespace {
std::size_t allocations = 0;
std::size_t bytes_in_use = 0;
}  // namespace

// Every form of new that is not replaced here calls one of these. The sanitizers have forms of their own, so that the
// nothrow one and that for arrays are here as well.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory != nullptr) bytes_in_use += malloc_usable_size(memory);
  return memory;
}
void* operator new(std::size_t size) {
  if (void* const memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  bytes_in_use -= malloc_usable_size(memory);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  operator delete(memory);
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void operator delete[](void* memory) noexcept {
  operator delete(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  operator delete(memory);
}

namespace sidegate::token {
namespace {

constexpr base::UnixTime kNow{std::chrono::seconds(1'790'000'000)};

/// How a token is verified, and how often.
struct Way {
  config::Key::Form form = config::Key::Form::Secret;
  Algorithm algorithm = Algorithm::HS256;
  int rounds = 1000;
  config::VerifiedCache cache{.max_entries = 0, .max_bytes = 0};
};

/// How many allocations the verifications of the tokens in turn make, once warm. Those of OpenSSL, which calls malloc,
/// are not among them.
template <std::size_t Count>
std::size_t count_allocations(const std::array<std::string, Count>& tokens, std::string_view key_text, Way way = {}) {
  config::JwtAuthenticator settings;
  config::Key key;
  key.form = way.form;
  key.secret.secret = base::Secret(std::string(key_text));
  settings.keys.push_back(key);
  settings.algorithms.push_back({std::string(name_of(way.algorithm)), {}});
  settings.issuer = "https://auth.example";
  settings.audience = {"tts"};
  settings.verified_cache = way.cache;
  config::Diagnostics diagnostics("test.yaml");
  JwtVerifier verifier(settings, diagnostics);
  EXPECT_TRUE(diagnostics.ok());

  std::size_t before = 0;
  int accepted = 0;
  for (int round = -10; round < way.rounds; ++round) {
    if (round == 0) before = allocations;
    for (const std::string& token : tokens) {
      std::array<unsigned char, 4096> buffer;
      boost::json::monotonic_resource storage(buffer.data(), buffer.size());
      boost::json::object room(&storage);
      if (verifier.verify(token, kNow, room)) ++accepted;
    }
  }
  const std::size_t after = allocations;
  EXPECT_GT(accepted, way.rounds);
  return after - before;
}

boost::json::object usual_claims() {
  return {{"iss", "https://auth.example"},
          {"aud", {"ams", "tts"}},
          {"exp", 1'790'003'600},
          {"user_id", "6f1c4f0e-2f0b-4b1e-8a57-1f0a2c9be001"},
          {"name", "somebody with a \"name\" that needs escapes"},
          {"roles", {{{"system", "TTS"}, {"role", "Technician"}}, "AMS:User"}}};
}

TEST(Allocation, AWarmVerificationMakesNone) {
  const std::string secret(32, 's');
  const boost::json::object claims = usual_claims();
  const auto sign = [&](std::string_view by, std::string_view key_id) {
    return *sign_jwt(claims, Algorithm::HS256, by, key_id);
  };
  EXPECT_EQ(count_allocations(std::array{sign(secret, ""), sign(secret, "")}, secret), 0U) << "the same header";
  EXPECT_EQ(count_allocations(std::array{sign(secret, "a key id that is longer than a short string"),
                                         sign(secret, "another key id, also longer than a short string")},
                              secret),
            0U)
      << "headers that differ";
  EXPECT_EQ(count_allocations(std::array{sign(secret, ""), sign(secret, ""), sign("another secret", ""),
                                         std::string("not.a.token"), sign(secret, "") + "A"},
                              secret),
            0U)
      << "refusals among them";
}

TEST(Allocation, ATokenThatIsRememberedMakesNone) {
  const std::string secret(32, 's');
  const std::string token = *sign_jwt(usual_claims(), Algorithm::HS256, secret);
  auto other_claims = usual_claims();
  other_claims["user_id"] = 7;
  const std::array tokens{token, *sign_jwt(other_claims, Algorithm::HS256, secret), token + "A",
                          std::string("not.a.token")};
  EXPECT_EQ(count_allocations(tokens, secret, Way{.cache = {}}), 0U);
}

TEST(Allocation, ACacheTakesWhatItSays) {
  constexpr unsigned kEntries = 3000;
  VerifiedTokenCache cache(kEntries, std::size_t{1} << 40U);
  const boost::json::object claims = usual_claims();
  const std::size_t before = bytes_in_use;
  for (unsigned number = 0; number < 2 * kEntries; ++number) {
    TokenDigest::Bytes digest{};
    for (std::size_t i = 0; i < sizeof(number); ++i)
      digest[i] = static_cast<unsigned char>(number * 2654435761U >> 8 * i);
    cache.keep(digest, {&claims, {}});
  }
  const std::size_t taken = bytes_in_use - before;
  EXPECT_EQ(cache.size(), kEntries);
  EXPECT_LE(taken, cache.bytes());
  EXPECT_GE(taken, cache.bytes() * 9 / 10) << "and not much less";
}

TEST(Allocation, AWarmVerificationWithAPublicKeyMakesNone) {
  for (const KeyKind kind : kKeyKinds) {
    const SigningKey key = read_signing_keys(pair_of(kind).private_pem)->at(0);
    for (const Algorithm algorithm : kAlgorithms) {
      if (!algorithms_of(kind).contains(algorithm)) continue;
      const std::string good = *sign_jwt(usual_claims(), algorithm, key);
      std::string bad = good;
      bad[bad.size() - 10] = bad[bad.size() - 10] == 'A' ? 'B' : 'A';
      const Way way{.form = config::Key::Form::Pem, .algorithm = algorithm, .rounds = 20};
      EXPECT_EQ(count_allocations(std::array{good, good, bad}, pair_of(kind).public_pem, way), 0U)
          << name_of(kind) << ' ' << name_of(algorithm);
    }
  }
}

}  // namespace
}  // namespace sidegate::token

#include <sidegate/token/jwt_verifier.hpp>
#include <sidegate/token/signer.hpp>

#include <gtest/gtest.h>
#include <boost/json/monotonic_resource.hpp>

#include <array>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

namespace {
std::size_t allocations = 0;
}

// Every form of new that is not replaced here calls one of these.
void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace sidegate::token {
namespace {

constexpr base::UnixTime kNow{std::chrono::seconds(1'790'000'000)};
constexpr int kRounds = 1000;

/// How many allocations `kRounds` verifications of the tokens in turn make, once warm.
template <std::size_t Count>
std::size_t count_allocations(const std::array<std::string, Count>& tokens, std::string_view secret) {
  config::JwtAuthenticator settings;
  config::Key key;
  key.secret.secret = base::Secret(std::string(secret));
  settings.keys.push_back(key);
  settings.algorithms.push_back({"HS256", {}});
  settings.issuer = "https://auth.example";
  settings.audience = {"tts"};
  config::Diagnostics diagnostics("test.yaml");
  JwtVerifier verifier(settings, diagnostics);
  EXPECT_TRUE(diagnostics.ok());

  std::size_t before = 0;
  int accepted = 0;
  for (int round = -10; round < kRounds; ++round) {
    if (round == 0) before = allocations;
    for (const std::string& token : tokens) {
      std::array<unsigned char, 4096> buffer;
      boost::json::monotonic_resource storage(buffer.data(), buffer.size());
      if (verifier.verify(token, kNow, &storage)) ++accepted;
    }
  }
  const std::size_t after = allocations;
  EXPECT_GT(accepted, kRounds);
  return after - before;
}

TEST(Allocation, AWarmVerificationMakesNone) {
  const std::string secret(32, 's');
  const boost::json::object claims{{"iss", "https://auth.example"},
                                   {"aud", {"ams", "tts"}},
                                   {"exp", 1'790'003'600},
                                   {"user_id", "6f1c4f0e-2f0b-4b1e-8a57-1f0a2c9be001"},
                                   {"name", "somebody with a \"name\" that needs escapes"},
                                   {"roles", {{{"system", "TTS"}, {"role", "Technician"}}, "AMS:User"}}};
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

}  // namespace
}  // namespace sidegate::token

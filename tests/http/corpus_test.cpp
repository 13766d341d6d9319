#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "../fuzz/chunked_body.hpp"
#include "../fuzz/corpus.hpp"
#include "../fuzz/differential_head.hpp"
#include "../fuzz/header_plan.hpp"
#include "../fuzz/request_head.hpp"
#include "../fuzz/response_head.hpp"
#include "../fuzz/target.hpp"

namespace sidegate::http {
namespace {

using fuzz::corpus;
using fuzz::Seed;

struct Target {
  std::string_view name;
  fuzz::Defect (*property)(std::string_view);
};

constexpr std::array<Target, 6> kTargets{{{"request_head", fuzz::request_head},
                                          {"response_head", fuzz::response_head},
                                          {"chunked_body", fuzz::chunked_body},
                                          {"target", fuzz::target},
                                          {"header_plan", fuzz::header_plan},
                                          {"differential_head", fuzz::differential_head}}};

TEST(Corpus, EveryPropertyHoldsForEverySeed) {
  for (const auto& [name, property] : kTargets) {
    const auto seeds = corpus(name);
    EXPECT_GE(seeds.size(), 20U) << name;
    for (const auto& [file, bytes] : seeds) EXPECT_EQ(property(bytes), "") << name << '/' << file;
  }
}

// A head is a head, whichever property it was collected for.
TEST(Corpus, HeadsAreReadAsBeastReadsThem) {
  for (const std::string_view name : {"request_head", "response_head", "chunked_body"}) {
    for (const auto& [file, bytes] : corpus(name)) EXPECT_EQ(fuzz::differential_head(bytes), "") << name << '/' << file;
  }
}

// What a mutation is made of, beside the bytes of other seeds: whatever a head's reading turns on.
constexpr std::array<std::string_view, 42> kPieces{"\r\n",
                                                   "\n",
                                                   "\r",
                                                   "\r\n\r\n",
                                                   " ",
                                                   "\t",
                                                   ":",
                                                   ",",
                                                   ";",
                                                   "%2e",
                                                   "%2F",
                                                   "%00",
                                                   "..",
                                                   "/",
                                                   "//",
                                                   "?",
                                                   "#",
                                                   "*",
                                                   "\x80",
                                                   "\xFF",
                                                   "\x7F",
                                                   "_",
                                                   "Host: b\r\n",
                                                   "0",
                                                   "+",
                                                   "-",
                                                   "[",
                                                   "]",
                                                   "@",
                                                   "=",
                                                   "close",
                                                   "\"",
                                                   "\r\n ",
                                                   "HTTP/1.0",
                                                   "HTTP/1.1",
                                                   "Content-Length: 3\r\n",
                                                   "Content-Length",
                                                   "Transfer-Encoding: chunked\r\n",
                                                   "Transfer-Encoding",
                                                   "chunked",
                                                   "Connection: ",
                                                   "X-User-Id"};

std::string mutate(std::string bytes, const std::vector<Seed>& seeds, std::minstd_rand& random) {
  const auto below = [&](std::size_t bound) { return bound == 0 ? 0 : random() % bound; };
  const std::size_t steps = 1 + below(4);
  for (std::size_t i = 0; i < steps; ++i) {
    const std::size_t at = below(bytes.size() + 1);
    switch (below(6)) {
      case 0:
        bytes.insert(at, kPieces[below(kPieces.size())]);
        break;
      case 1:
        bytes.erase(at, 1 + below(4));
        break;
      case 2:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random() % 256);
        break;
      case 3:
        bytes.replace(at, below(8), kPieces[below(kPieces.size())]);
        break;
      case 4: {
        const std::string& other = seeds[below(seeds.size())].bytes;
        bytes.insert(at, other.substr(below(other.size()), below(40)));
        break;
      }
      default: {
        const std::string piece = bytes.substr(at, below(30));
        bytes.insert(below(bytes.size() + 1), piece);
      }
    }
  }
  return bytes;
}

TEST(Corpus, MutatedHeadsAreReadAsBeastReadsThem) {
  constexpr int kRounds = 50'000;
  const auto seeds = corpus("differential_head");
  ASSERT_FALSE(seeds.empty());
  std::minstd_rand random(20'240'301);
  int accepted = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string bytes = mutate(seeds[random() % seeds.size()].bytes, seeds, random);
    ASSERT_EQ(fuzz::differential_head(bytes), "") << "round " << round << ":\n" << bytes;
    if (fuzz::RequestReading(bytes).whole()) ++accepted;
  }
  // Were nearly all refused, or none, the comparison would say little.
  EXPECT_GT(accepted, kRounds / 10);
  EXPECT_LT(accepted, kRounds * 9 / 10);
}

TEST(Corpus, MutatedInputsHoldTheirProperties) {
  constexpr int kRounds = 300;
  std::minstd_rand random(7);
  for (const auto& [name, property] : kTargets) {
    const auto seeds = corpus(name);
    for (int round = 0; round < kRounds; ++round) {
      const std::string bytes = mutate(seeds[random() % seeds.size()].bytes, seeds, random);
      ASSERT_EQ(property(bytes), "") << name << " round " << round << ":\n" << bytes;
    }
  }
}

}  // namespace
}  // namespace sidegate::http

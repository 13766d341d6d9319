/// What a warm request costs in the code that knows no sockets: its head is read, it is decided on, its head for the
/// origin is written, and the head of the answer goes back. docs/performance.md says how to run it.
///
/// With `--rounds=N` each benchmark runs exactly N times, so that what N rounds more cost can be counted.
#include <sidegate/http/framing.hpp>
#include <sidegate/http/gather_list.hpp>
#include <sidegate/http/head_parser.hpp>
#include <sidegate/http/message_writer.hpp>
#include <sidegate/http/request_target.hpp>
#include <sidegate/proxy/outgoing_head.hpp>

#include <benchmark/benchmark.h>

#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>

#include "deciding.hpp"

namespace sidegate {
namespace {

std::string configuration() {
  return policy::with(
      "inject: {X-User-Id: \"{subject}\", X-User-Type: \"{claims.user_type|staff}\", "
      "X-Auth-Method: \"{authenticator}\"}\n"
      "routes: [{path: /public/**, authenticate: none, upstream: app}, "
      "{path: \"/tickets/{id}/**\", authenticate: [staff], upstream: app}]\n");
}

constexpr std::string_view kUserAgent =
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";

/// What a page's script asks for, as a browser sends it.
std::string browser_request() {
  const boost::json::object claims{{"sub", "6f1c4f0e-2f0b-4b1e-8a57-1f0a2c9be001"},
                                   {"user_type", "technician"},
                                   {"name", "A. N. Other"},
                                   {"iat", 1'789'999'000},
                                   {"iss", "https://auth.example"}};
  return policy::request_of(
      "GET /tickets/4711/comments?page=2&order=newest",
      {"Connection: keep-alive", R"(sec-ch-ua: "Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99")",
       "Authorization: Bearer " + policy::token_of(claims), "sec-ch-ua-mobile: ?0", std::string(kUserAgent),
       "Accept: application/json, text/plain, */*", R"(sec-ch-ua-platform: "Linux")", "Sec-Fetch-Site: same-origin",
       "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Referer: https://h.example/tickets/4711",
       "Accept-Encoding: gzip, deflate, br, zstd", "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
       "Cookie: theme=dark; sidebar=open"});
}

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 21 Sep 2026 14:13:20 GMT\r\n"
    "Content-Type: application/json\r\nContent-Length: 1024\r\nConnection: keep-alive\r\nVary: Accept, Cookie\r\n"
    "Allow: GET, POST, HEAD, OPTIONS\r\nX-Frame-Options: DENY\r\nX-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\n\r\n";

/// One exchange again and again, with the memory that a worker keeps for it.
class HotPath {
 public:
  HotPath() {
    parse_request();
    decide();
    write_request();
    take_answer();
  }
  HotPath(const HotPath&) = delete;
  HotPath& operator=(const HotPath&) = delete;

  void parse_request() {
    request_parser_.reset();
    require(request_parser_.parse(request_, head_).value());
    facts_ = http::check_request(head_).value();
    target_ = http::read_target(head_, facts_, target_storage_).value();
  }

  void decide() {
    decision_ = policy().decide({&head_, &facts_, &target_, 0}, policy::kNow, scratch_);
    require(decision_.kind == policy::Decision::Kind::Forward);
  }

  /// The next decision verifies its token anew.
  void forget_token() { policy().empty_caches(); }

  void write_request() {
    const auto forwarded = proxy::outgoing_head({.head = &head_,
                                                 .facts = &facts_,
                                                 .target = &target_,
                                                 .decision = &decision_,
                                                 .filter = &policy().filter(),
                                                 .forwarding = &forwarding_,
                                                 .upstream = &compiled_.config.upstreams.front(),
                                                 .request_id = kId,
                                                 .traced = false,
                                                 .new_trace_id = kId,
                                                 .new_span_id = kId.substr(16)},
                                                host_line_, added_lines_);
    list_.clear();
    require(http::write_request_head(forwarded, list_));
  }

  void take_answer() {
    response_parser_.reset();
    require(response_parser_.parse(kAnswer, response_).value());
    const auto facts = http::check_response(response_, http::Method::Get).value();
    list_.clear();
    require(
        http::write_response_head({.head = &response_, .facts = &facts, .added = kIdLine, .chunked = false}, list_));
  }

 private:
  static constexpr std::string_view kId = "00112233445566778899aabbccddeeff";
  static constexpr std::string_view kIdLine = "X-Request-Id: 00112233445566778899aabbccddeeff\r\n";

  static void require(bool condition) {
    if (!condition) throw std::logic_error("not what is to be measured");
  }
  policy::Policy& policy() { return *compiled_.policy; }

  policy::Compiled compiled_ = policy::compile(configuration());
  base::Limits limits_;
  std::string request_ = browser_request();
  http::RequestParser request_parser_{limits_};
  http::RequestHead head_;
  http::RequestFacts facts_;
  http::CanonicalTarget target_;
  std::string target_storage_;
  policy::Scratch scratch_;
  policy::Decision decision_;
  proxy::ForwardingLines forwarding_{"192.0.2.1", compiled_.config.listeners.front().address, false};
  std::string host_line_;
  std::string added_lines_;
  http::ResponseParser response_parser_{limits_};
  http::ResponseHead response_;
  http::GatherList list_;
};

template <class Step>
void measure(const char* name, benchmark::IterationCount rounds, Step step) {
  auto* const made = benchmark::RegisterBenchmark(name, [step](benchmark::State& state) {
    HotPath path;
    for (auto _ : state) {
      step(path);
      benchmark::ClobberMemory();
    }
  });
  if (rounds > 0) made->Iterations(rounds);
}

/// `rounds` of 0: as many as it takes to time them.
void measure_all(benchmark::IterationCount rounds) {
  measure("parse", rounds, [](HotPath& path) { path.parse_request(); });
  measure("decide", rounds, [](HotPath& path) { path.decide(); });
  measure("verify", rounds, [](HotPath& path) {
    path.forget_token();
    path.decide();
  });
  measure("write", rounds, [](HotPath& path) { path.write_request(); });
  measure("request", rounds, [](HotPath& path) {
    path.parse_request();
    path.decide();
    path.write_request();
  });
  measure("answer", rounds, [](HotPath& path) { path.take_answer(); });
}

}  // namespace
}  // namespace sidegate

int main(int count, char** words) {
  constexpr std::string_view kRounds = "--rounds=";
  benchmark::Initialize(&count, words);
  benchmark::IterationCount rounds = 0;
  const std::string_view word = count == 2 ? words[1] : "";
  if (word.starts_with(kRounds)) {
    std::from_chars(word.data() + kRounds.size(), word.data() + word.size(), rounds);
  } else if (benchmark::ReportUnrecognizedArguments(count, words)) {
    return 2;
  }
  sidegate::measure_all(rounds);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

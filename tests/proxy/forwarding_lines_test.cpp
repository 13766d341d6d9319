#include <sidegate/proxy/forwarding_lines.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sidegate::proxy {
namespace {

const config::Address kTcp{config::Address::Kind::Tcp, "0.0.0.0", 8080, {}};
const config::Address kUnix{config::Address::Kind::Unix, {}, 0, "/run/s.sock"};

using NamesAndValues = std::vector<std::pair<std::string_view, std::string_view>>;

std::vector<http::Field> fields_of(const NamesAndValues& all) {
  std::vector<http::Field> fields;
  for (const auto& [name, value] : all) {
    fields.push_back({.name = name, .value = value, .line = {}, .known = http::field_name_of(name)});
  }
  return fields;
}

TEST(ForwardingLines, SayWhoAskedForWhat) {
  struct Case {
    const char* peer;
    config::Address listener;
    const char* host;
    const char* expected;
  };
  const Case cases[]{
      {"10.0.0.7", kTcp, "h.example:81",
       "X-Forwarded-For: 10.0.0.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 8080\r\n"
       "X-Forwarded-Host: h.example:81\r\nForwarded: for=10.0.0.7;proto=http;host=\"h.example:81\"\r\n"},
      {"2001:db8::1", kTcp, "[::1]:80",
       "X-Forwarded-For: 2001:db8::1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 8080\r\n"
       "X-Forwarded-Host: [::1]:80\r\nForwarded: for=\"[2001:db8::1]\";proto=http;host=\"[::1]:80\"\r\n"},
      {"10.0.0.7", kTcp, "",
       "X-Forwarded-For: 10.0.0.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 8080\r\n"
       "Forwarded: for=10.0.0.7;proto=http\r\n"},
      {"", kUnix, "h",
       "X-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\nForwarded: for=unknown;proto=http;host=\"h\"\r\n"},
  };
  // Whatever a peer says that nobody trusts.
  const auto forged = fields_of({{"X-Forwarded-For", "192.0.2.66"},
                                 {"X-Forwarded-Proto", "https"},
                                 {"X-Forwarded-Host", "evil.example"},
                                 {"X-Forwarded-Port", "443"},
                                 {"Forwarded", "for=192.0.2.66;proto=https;host=evil.example"}});
  for (const Case& each : cases) {
    const ForwardingLines lines(each.peer, each.listener, false);
    for (const auto& fields : {std::vector<http::Field>(), forged}) {
      std::string out = "before\r\n";
      lines.append(fields, each.host, out);
      EXPECT_EQ(out, "before\r\n" + std::string(each.expected));
    }
    // A trusted peer that says nothing is as good as any other.
    if (each.listener.kind == config::Address::Kind::Unix) continue;
    std::string out = "before\r\n";
    ForwardingLines(each.peer, each.listener, true).append({}, each.host, out);
    EXPECT_EQ(out, "before\r\n" + std::string(each.expected));
  }
}

/// What is said for a request to `h.example` that came from 10.0.0.7, which is trusted, to port 8080.
struct TrustedCase {
  const char* name;
  NamesAndValues fields;
  std::string before_for{};  ///< what stands before our own entry
  std::string proto = "http";
  std::string port = "8080";
  std::string host = "h.example";
  std::string before_forwarded{};
};

TEST(ForwardingLines, PassOnWhatATrustedPeerSaysOfTheHopsBeforeIt) {
  const TrustedCase cases[]{
      {.name = "all of it",
       .fields = {{"X-Forwarded-For", "192.0.2.1"},
                  {"X-Forwarded-Proto", "https"},
                  {"X-Forwarded-Host", "app.example"},
                  {"X-Forwarded-Port", "443"},
                  {"Forwarded", "for=192.0.2.1;proto=https"}},
       .before_for = "192.0.2.1, ",
       .proto = "https",
       .port = "443",
       .host = "app.example",
       .before_forwarded = "for=192.0.2.1;proto=https, "},
      {.name = "names in any case",
       .fields = {{"x-forwarded-for", "192.0.2.1"}, {"X-FORWARDED-PROTO", "https"}, {"FORWARDED", "for=_a"}},
       .before_for = "192.0.2.1, ",
       .proto = "https",
       .before_forwarded = "for=_a, "},
      {.name = "nothing of other fields",
       .fields = {{"X_Forwarded_For", "192.0.2.1"},
                  {"X-Forwarded-Server", "a"},
                  {"X.Forwarded.Proto", "https"},
                  {"X-Forwarded-Protocol", "https"},
                  {"X-Real-IP", "192.0.2.1"},
                  {"X-Forwarded", "for=a"}}},
      // Lists go on: all values in the order of the lines.
      {.name = "several addresses",
       .fields = {{"X-Forwarded-For", "192.0.2.1, 192.0.2.2"}},
       .before_for = "192.0.2.1, 192.0.2.2, "},
      {.name = "several lines",
       .fields = {{"X-Forwarded-For", "192.0.2.1"},
                  {"Forwarded", "for=a, for=b"},
                  {"Accept", "*/*"},
                  {"X-Forwarded-For", "192.0.2.2,192.0.2.3"},
                  {"Forwarded", "for=c"}},
       .before_for = "192.0.2.1, 192.0.2.2,192.0.2.3, ",
       .before_forwarded = "for=a, for=b, for=c, "},
      {.name = "what is no address is theirs to say",
       .fields = {{"X-Forwarded-For", "unknown, _a"}},
       .before_for = "unknown, _a, "},
      {.name = "empty lists",
       .fields = {{"X-Forwarded-For", ""}, {"X-Forwarded-For", "192.0.2.1"}, {"Forwarded", ""}},
       .before_for = "192.0.2.1, "},
      // RFC 7239 section 4: quoted values may hold anything, so long as they end.
      {.name = "quotes",
       .fields = {{"Forwarded", R"(for="[2001:db8::1]:47", for="a,b;c")"}},
       .before_forwarded = R"(for="[2001:db8::1]:47", for="a,b;c", )"},
      {.name = "quotes within quotes",
       .fields = {{"Forwarded", R"(for="\"", for="\\")"}},
       .before_forwarded = R"(for="\"", for="\\", )"},
      {.name = "an open quote would take ours into itself", .fields = {{"Forwarded", "for=\"a"}}},
      {.name = "a quote that only seems to be closed", .fields = {{"Forwarded", R"(for="a\")"}}},
      {.name = "a backslash at the end", .fields = {{"Forwarded", R"(for="a\)"}}},
      {.name = "an odd quote behind whole ones", .fields = {{"Forwarded", R"(for="a", for=b")"}}},
      {.name = "each line for itself",
       .fields = {{"Forwarded", "for=a"}, {"Forwarded", "for=\"b"}, {"Forwarded", "c\""}, {"Forwarded", "for=d"}},
       .before_forwarded = "for=a, for=d, "},
      {.name = "bytes that are not ASCII, or a tab",
       .fields = {{"X-Forwarded-For", "192.0.2.\xE9"},
                  {"X-Forwarded-For", "192.0.2.2"},
                  {"Forwarded", "for=a\tb"},
                  {"Forwarded", "for=\"caf\xC3\xA9\""},
                  {"Forwarded", "for=c"}},
       .before_for = "192.0.2.2, ",
       .before_forwarded = "for=c, "},
      {.name = "an open quote among addresses",
       .fields = {{"X-Forwarded-For", "\"192.0.2.1"}, {"X-Forwarded-For", "192.0.2.2"}},
       .before_for = "192.0.2.2, "},
      // Where there is one value only it must be one.
      {.name = "a scheme in capitals, which services compare as it comes",
       .fields = {{"X-Forwarded-Proto", "HTTPS"}},
       .proto = "https"},
      {.name = "http", .fields = {{"X-Forwarded-Proto", "Http"}}},
      {.name = "another scheme", .fields = {{"X-Forwarded-Proto", "wss"}}},
      {.name = "two schemes", .fields = {{"X-Forwarded-Proto", "https, http"}}},
      {.name = "two lines of schemes", .fields = {{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Proto", "https"}}},
      {.name = "no scheme", .fields = {{"X-Forwarded-Proto", ""}}},
      {.name = "a scheme and more", .fields = {{"X-Forwarded-Proto", "https://"}}},
      {.name = "a host with a port", .fields = {{"X-Forwarded-Host", "app.example:8443"}}, .host = "app.example:8443"},
      {.name = "a host in brackets", .fields = {{"X-Forwarded-Host", "[::1]:80"}}, .host = "[::1]:80"},
      {.name = "two hosts", .fields = {{"X-Forwarded-Host", "a.example, b.example"}}},
      {.name = "two lines of hosts", .fields = {{"X-Forwarded-Host", "a.example"}, {"x-forwarded-host", "b.example"}}},
      {.name = "no host", .fields = {{"X-Forwarded-Host", ""}}},
      {.name = "a host with a path", .fields = {{"X-Forwarded-Host", "a.example/x"}}},
      {.name = "a host with a name before it", .fields = {{"X-Forwarded-Host", "user@a.example"}}},
      {.name = "a host with a quote", .fields = {{"X-Forwarded-Host", "a\";for=b"}}},
      {.name = "the least port", .fields = {{"X-Forwarded-Port", "1"}}, .port = "1"},
      {.name = "the port that is none", .fields = {{"X-Forwarded-Port", "0"}}},
      {.name = "the greatest port", .fields = {{"X-Forwarded-Port", "65535"}}, .port = "65535"},
      {.name = "a port beyond it", .fields = {{"X-Forwarded-Port", "65536"}}},
      {.name = "a port of many digits", .fields = {{"X-Forwarded-Port", "000443"}}},
      {.name = "a port that is no number", .fields = {{"X-Forwarded-Port", "https"}}},
      {.name = "a negative port", .fields = {{"X-Forwarded-Port", "-1"}}},
      {.name = "two ports", .fields = {{"X-Forwarded-Port", "443, 80"}}},
      {.name = "two lines of ports", .fields = {{"X-Forwarded-Port", "443"}, {"X-Forwarded-Port", "443"}}},
      {.name = "no port", .fields = {{"X-Forwarded-Port", ""}}},
  };
  const ForwardingLines lines("10.0.0.7", kTcp, true);
  for (const auto& each : cases) {
    std::string out = "before\r\n";
    lines.append(fields_of(each.fields), "h.example", out);
    EXPECT_EQ(out, "before\r\nX-Forwarded-For: " + each.before_for + "10.0.0.7\r\nX-Forwarded-Proto: " + each.proto +
                       "\r\nX-Forwarded-Port: " + each.port + "\r\nX-Forwarded-Host: " + each.host +
                       "\r\nForwarded: " + each.before_forwarded + "for=10.0.0.7;proto=http;host=\"h.example\"\r\n")
        << each.name;
  }
}

TEST(ForwardingLines, AHostThatATrustedPeerNamesStandsInForNone) {
  const ForwardingLines lines("2001:db8::7", kTcp, true);
  std::string out;
  lines.append(fields_of({{"X-Forwarded-Host", "app.example"}, {"X-Forwarded-For", "2001:db9::1"}}), "", out);
  EXPECT_EQ(out,
            "X-Forwarded-For: 2001:db9::1, 2001:db8::7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 8080\r\n"
            "X-Forwarded-Host: app.example\r\nForwarded: for=\"[2001:db8::7]\";proto=http\r\n");
}

}  // namespace
}  // namespace sidegate::proxy

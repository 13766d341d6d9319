#include "fetch.hpp"

#include "scripted_issuer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>

#include <future>

namespace sidegate::authority {
namespace {

using base::Message;
using base::OrMessage;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const Certificate& ca() {
  static const Certificate made = make_certificate("Some CA", "", nullptr);
  return made;
}

const Certificate& good() {
  static const Certificate made = make_certificate("issuer", "DNS:issuer.test,IP:127.0.0.1", &ca());
  return made;
}

config::Issuer trusting(const Certificate& certificate) {
  config::Issuer issuer;
  issuer.ca.emplace();
  issuer.ca->secret = base::Secret(certificate.pem());
  return issuer;
}

OrMessage<Addresses> here(const std::string&) {
  return Addresses{*base::IpAddress::parse("127.0.0.1")};
}

/// A resolver that knows one answer.
LookUp at(const std::vector<std::string>& addresses) {
  return [addresses](const std::string&) -> OrMessage<Addresses> {
    Addresses found;
    for (const auto& address : addresses) found.push_back(*base::IpAddress::parse(address));
    return found;
  };
}

constexpr milliseconds kPatience{4'000};

/// Gets one document. The message is empty where all went well.
struct Got {
  HttpAnswer answer;
  std::string error;
  steady_clock::duration took;
};

Got get(const std::string& text, const config::Issuer& issuer = {}, milliseconds patience = kPatience,
        const LookUp& look_up = &here) {
  boost::asio::io_context io{1};
  KnownHosts hosts(io, look_up);
  const auto start = steady_clock::now();
  const auto fetch = Fetch::start(io, hosts, issuer, patience);
  Got got{};
  boost::asio::co_spawn(io.get_executor(), fetch->get(*parse_url(text)),
                        [&](const std::exception_ptr&, OrMessage<HttpAnswer> outcome) {
                          got.took = steady_clock::now() - start;
                          if (outcome) got.answer = *outcome;
                          if (!outcome) got.error = outcome.error().text;
                          fetch->cut("over");
                        });
  io.run();
  return got;
}

TEST(Fetch, AsksAsAClientShould) {
  std::promise<std::string> asked;
  ScriptedIssuer issuer([&](Conversation& conversation) {
    asked.set_value(conversation.request);
    conversation.send(answer_with("{}", "Cache-Control: max-age=7\r\nAge: 2\r\n"));
  });
  const auto got = get(issuer.url("/keys/set?v=1"));
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.answer.body, "{}");
  EXPECT_EQ(got.answer.cache_control, "max-age=7");
  EXPECT_EQ(got.answer.age, "2");
  EXPECT_EQ(asked.get_future().get(), "GET /keys/set?v=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(issuer.port()) +
                                          "\r\nUser-Agent: sidegate\r\nAccept: application/json\r\n"
                                          "Accept-Encoding: identity\r\nConnection: close\r\n\r\n");
}

TEST(Fetch, ReadsBodiesOfEveryForm) {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  for (const std::string& bytes :
       {answer_with("body"), head + "\r\nbody",
        head + "Transfer-Encoding: chunked\r\n\r\n3\r\nbod\r\n1\r\ny\r\n0\r\n\r\n",
        answer_with("body", "Content-Encoding: identity\r\n"), "HTTP/1.1 103 Hints\r\n\r\n" + answer_with("body")}) {
    ScriptedIssuer issuer(always(bytes));
    const auto got = get(issuer.url());
    EXPECT_EQ(got.error, "") << bytes;
    EXPECT_EQ(got.answer.body, "body") << bytes;
  }
}

TEST(Fetch, SaysWhatIsWrongWithAnAnswer) {
  struct Case {
    std::string bytes;
    const char* expected;
  };
  const Case cases[] = {
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "answered 404"},
      {"HTTP/1.1 500 Oops\r\n\r\n", "answered 500"},
      {"HTTP/1.1 204 No Content\r\n\r\n", "answered 204"},
      {"HTTP/1.1 304 Not Modified\r\n\r\n", "answered 304"},
      {answer_with("xx", "Content-Encoding: gzip\r\n"), "the answer is compressed, which was not asked for"},
      {answer_with(std::string(1'100'000, ' ')), "the answer is larger than 1 MiB"},
      {"HTTP/1.1 200 OK\r\n\r\n" + std::string(1'100'000, ' '), "the answer is larger than 1 MiB"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'), "the head of the answer is larger than 16 KiB"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "the connection ended in the middle of the answer"},
      {"HTTP/1.1 200 OK\r\nContent-Le", "the connection ended in the middle of the answer"},
      {"", "the connection ended in the middle of the answer"},
      {"SSH-2.0-x\r\n\r\n", "the answer is no HTTP: bad version"},
  };
  for (const Case& test : cases) {
    ScriptedIssuer issuer(always(test.bytes));
    const auto got = get(issuer.url("/jwks?key=secret"));
    EXPECT_EQ(got.error, issuer.url() + ": " + test.expected) << test.bytes.substr(0, 99);
  }
}

TEST(Fetch, AConnectionThatBreaksIsAnError) {
  ScriptedIssuer issuer([](Conversation& conversation) {
    conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    conversation.reset();
  });
  EXPECT_THAT(get(issuer.url()).error, StartsWith(issuer.url() + ": the connection broke: "));
}

TEST(Fetch, NobodyThere) {
  std::string url;
  {
    ScriptedIssuer issuer;
    url = issuer.url();
  }
  EXPECT_EQ(get(url).error, url + ": nobody answers at 127.0.0.1: Connection refused");
  const auto unknown = [](const std::string& name) -> OrMessage<Addresses> { return Message{"no " + name}; };
  EXPECT_EQ(get("https://nowhere.test/jwks", {}, kPatience, unknown).error,
            "https://nowhere.test/jwks: no nowhere.test");
  EXPECT_EQ(get("https://nowhere.test/jwks", {}, kPatience, at({})).error,
            "https://nowhere.test/jwks: the host has no address");
}

TEST(Fetch, TheSystemsResolverIsAsked) {
  ScriptedIssuer issuer(always(answer_with("body")));
  EXPECT_EQ(get(issuer.url("/", "localhost"), {}, kPatience, &look_up).answer.body, "body");
  // A name server that does not answer is tried again after five seconds.
  EXPECT_THAT(get("https://a.name.that.is.invalid/", {}, std::chrono::seconds(15), &look_up).error,
              HasSubstr("the host cannot be found: "));
}

TEST(Fetch, TriesEveryAddress) {
  ScriptedIssuer issuer(always(answer_with("body")));
  // Nobody listens on 127.0.0.2, since the issuer is bound to one address.
  const auto got = get(issuer.url("/", "localhost"), {}, kPatience, at({"127.0.0.2", "169.254.1.1", "127.0.0.1"}));
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.answer.body, "body");
}

TEST(Fetch, NobodyIsAskedWhereNoIssuerIs) {
  for (const char* const url :
       {"https://169.254.169.254/", "https://[fe80::1]/", "https://[::ffff:169.254.169.254]/"}) {
    EXPECT_THAT(get(url).error, HasSubstr("is a link-local address, where nobody is asked")) << url;
  }
  EXPECT_THAT(get("https://0.0.0.0/").error, HasSubstr("0.0.0.0 is no address of anybody"));
  EXPECT_EQ(get("https://metadata.test/x?y", {}, kPatience, at({"169.254.169.254"})).error,
            "https://metadata.test/x: 169.254.169.254 is a link-local address, where nobody is asked");
}

TEST(Fetch, ANameOfThisMachineThatIsAnotherIsNotAskedByPlainHttp) {
  EXPECT_EQ(get("http://localhost/jwks", {}, kPatience, at({"192.0.2.1"})).error,
            "http://localhost/jwks: by plain http 192.0.2.1 is not asked: it is another machine");
}

TEST(Fetch, OneDeadlineIsForAllOfIt) {
  const ScriptedIssuer::Script drip = [](Conversation& conversation) {
    const std::string head = "HTTP/1.1 200 OK\r\nX: ";
    conversation.send(head);
    while (conversation.send("x")) std::this_thread::sleep_for(milliseconds(10));
  };
  const ScriptedIssuer::Script drip_body = [](Conversation& conversation) {
    conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (conversation.send("x")) std::this_thread::sleep_for(milliseconds(10));
  };
  const ScriptedIssuer::Script half = [](Conversation& conversation) {
    conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    conversation.hang();
  };
  for (const auto& script : {ScriptedIssuer::Script(&hang), drip, drip_body, half}) {
    for (const bool encrypted : {false, true}) {
      ScriptedIssuer issuer(script, encrypted ? &good() : nullptr);
      const auto got = get(issuer.url(), trusting(ca()), milliseconds(150));
      EXPECT_EQ(got.error, issuer.url() + ": timed out after 150 ms");
      EXPECT_LT(got.took, milliseconds(3'000));
    }
  }
}

TEST(Fetch, AHandshakeThatHangsTimesOut) {
  ScriptedIssuer issuer(&hang);
  const std::string url = "https://127.0.0.1:" + std::to_string(issuer.port()) + "/";
  EXPECT_EQ(get(url, {}, milliseconds(150)).error, url + ": timed out after 150 ms");
}

TEST(Fetch, ALookUpThatHangsIsNotWaitedFor) {
  auto released = std::make_shared<std::promise<void>>();
  const auto gate = released->get_future().share();
  const auto hanging = [gate](const std::string&) -> OrMessage<Addresses> {
    gate.wait();
    return Addresses{};
  };
  const auto got = get("https://issuer.test/", {}, milliseconds(100), hanging);
  EXPECT_EQ(got.error, "https://issuer.test/: timed out after 100 ms");
  EXPECT_LT(got.took, milliseconds(3'000));
  released->set_value();
}

TEST(Fetch, FollowsRedirectsToTheSameHost) {
  for (const int status : {301, 302, 303, 307, 308}) {
    ScriptedIssuer issuer;
    issuer.script([&issuer, status](Conversation& conversation) {
      const auto to = [&](const std::string& place) {
        conversation.send("HTTP/1.1 " + std::to_string(status) + " Moved\r\nLocation: " + place +
                          "\r\nContent-Length: 0\r\n\r\n");
      };
      if (conversation.target() == "/a/b") return to("c");
      if (conversation.target() == "/a/c") return to("/d?e");
      if (conversation.target() == "/d?e") return to(issuer.url("/f"));
      conversation.send(answer_with("found"));
    });
    const auto got = get(issuer.url("/a/b"));
    EXPECT_EQ(got.error, "");
    EXPECT_EQ(got.answer.body, "found");
  }
}

TEST(Fetch, FollowsNoOtherRedirect) {
  ScriptedIssuer other(always(answer_with("stolen")));
  ScriptedIssuer issuer;
  const auto port = std::to_string(issuer.port());
  struct Case {
    std::string location;
    std::string expected;
  };
  const Case cases[] = {
      {other.url("/?secret"), "answered 302, which leads to http://127.0.0.1:" + std::to_string(other.port()) +
                                  "; only redirects to the same host are followed"},
      {"http://localhost:" + port + "/",
       "answered 302, which leads to http://localhost:" + port + "; only redirects to the same host are followed"},
      {"https://127.0.0.1:" + port + "/",
       "answered 302, which leads to https://127.0.0.1:" + port + "; only redirects to the same host are followed"},
      {"http://169.254.169.254/",
       "answered 302, which leads to http://169.254.169.254"
       "; only redirects to the same host are followed"},
      {"", "answered 302 without saying where else to ask"},
      {"gopher://x/", "answered 302, which leads nowhere: expected a URL that begins with http:// or https://"},
  };
  for (const Case& test : cases) {
    issuer.script(always("HTTP/1.1 302 Found\r\nLocation: " + test.location + "\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_EQ(get(issuer.url()).error, issuer.url() + ": " + test.expected);
  }
  EXPECT_EQ(other.asked(), 0U);
}

TEST(Fetch, FollowsNoRedirectFromHttpsToHttp) {
  ScriptedIssuer issuer({}, &good());
  const auto place = "http://127.0.0.1:" + std::to_string(issuer.port());
  issuer.script(always("HTTP/1.1 302 Found\r\nLocation: " + place + "/\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(get(issuer.url(), trusting(ca())).error, issuer.url() + ": answered 302, which leads to " + place +
                                                         "; only redirects to the same host are followed");
}

TEST(Fetch, RedirectsEnd) {
  ScriptedIssuer issuer(always("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(get(issuer.url()).error, issuer.url("/again") + ": redirects without end");
  EXPECT_EQ(issuer.asked(), 4U);
}

TEST(FetchTls, BelievesACertificateForTheHost) {
  ScriptedIssuer issuer(always(answer_with("body")), &good());
  for (const char* const host : {"127.0.0.1", "issuer.test", "ISSUER.test", "issuer.test."}) {
    const auto got = get(issuer.url("/jwks", host), trusting(ca()));
    EXPECT_EQ(got.error, "") << host;
    EXPECT_EQ(got.answer.body, "body") << host;
  }
}

TEST(FetchTls, BelievesACertificateThatIsNamedItself) {
  const auto own = make_certificate("own", "IP:127.0.0.1", nullptr);
  ScriptedIssuer itself(always(answer_with("body")), &own);
  EXPECT_EQ(get(itself.url(), trusting(own)).error, "");
  ScriptedIssuer signed_by_other(always(answer_with("body")), &good());
  EXPECT_EQ(get(signed_by_other.url(), trusting(good())).error, "");
}

TEST(FetchTls, BelievesNoOther) {
  const auto other_ca = make_certificate("Some CA", "", nullptr);
  const auto expired = make_certificate("issuer", "IP:127.0.0.1", &ca(), -10);
  const auto wildcard = make_certificate("issuer", "DNS:*.test", &ca());
  const auto name_alone = make_certificate("issuer.test", "", &ca());
  const auto self_signed = make_certificate("issuer", "IP:127.0.0.1", nullptr);
  struct Case {
    const Certificate& shown;
    const char* host;
    config::Issuer settings;
    const char* expected;
  };
  const char* const not_for_it = "the certificate is not for this host";
  const char* const not_trusted = "the certificate is not signed by a CA that is trusted; `ca` names one";
  const Case cases[] = {
      {good(), "other.test", trusting(ca()), not_for_it},
      {wildcard, "a.b.test", trusting(ca()), not_for_it},
      {name_alone, "issuer.test", trusting(ca()), not_for_it},
      {good(), "127.0.0.1", {}, not_trusted},
      {self_signed, "127.0.0.1", {}, not_trusted},
      {self_signed, "127.0.0.1", trusting(ca()), not_trusted},
      {expired, "127.0.0.1", trusting(ca()), "the certificate has expired"},
      {good(), "127.0.0.1", trusting(other_ca), "the certificate is refused: certificate signature failure"},
  };
  for (const Case& test : cases) {
    ScriptedIssuer issuer(always(answer_with("stolen")), &test.shown);
    const auto got = get(issuer.url("/jwks", test.host), test.settings);
    EXPECT_EQ(got.error, issuer.url("/jwks", test.host) + ": " + test.expected);
    EXPECT_EQ(issuer.asked(), 0U) << test.expected;
  }
}

TEST(FetchTls, AnAddressMustStandInTheCertificate) {
  const auto name_only = make_certificate("127.0.0.1", "DNS:127.0.0.1", &ca());
  ScriptedIssuer issuer(always(answer_with("stolen")), &name_only);
  EXPECT_EQ(get(issuer.url(), trusting(ca())).error, issuer.url() + ": the certificate is not for this host");
}

TEST(FetchTls, AnEndThatTlsDoesNotKnowOfIsNone) {
  const std::string unbounded = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
  ScriptedIssuer cut_off(always(unbounded), &good());
  EXPECT_EQ(get(cut_off.url(), trusting(ca())).error,
            cut_off.url() + ": the connection ended in the middle of the answer");
  ScriptedIssuer polite(
      [&](Conversation& conversation) {
        conversation.send(unbounded);
        conversation.say_goodbye();
      },
      &good());
  EXPECT_EQ(get(polite.url(), trusting(ca())).answer.body, "until the end");
}

TEST(FetchTls, WhoeverSpeaksNoTlsIsNotUnderstood) {
  ScriptedIssuer issuer(always("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const std::string url = "https://127.0.0.1:" + std::to_string(issuer.port()) + "/";
  EXPECT_THAT(get(url).error, StartsWith(url + ": TLS fails: "));
}

TEST(Fetch, WhatIsCutEndsAtOnceAndStaysCut) {
  ScriptedIssuer issuer(&hang);
  boost::asio::io_context io{1};
  KnownHosts hosts(io, &here);
  const auto fetch = Fetch::start(io, hosts, {}, kPatience);
  std::vector<std::string> errors;
  const auto note = [&](const std::exception_ptr&, const OrMessage<HttpAnswer>& outcome) {
    errors.push_back(outcome ? "an answer" : outcome.error().text);
  };
  boost::asio::co_spawn(io.get_executor(), fetch->get(*parse_url(issuer.url())), note);
  while (issuer.asked() == 0) io.run_for(milliseconds(1));
  fetch->cut("enough");
  boost::asio::co_spawn(io.get_executor(), fetch->get(*parse_url(issuer.url("/more"))), note);
  io.restart();
  io.run();
  EXPECT_THAT(errors, ::testing::UnorderedElementsAre(issuer.url() + ": enough", issuer.url("/more") + ": enough"));
}

}  // namespace
}  // namespace sidegate::authority

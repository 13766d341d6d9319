#include "fetch.hpp"

#include "request.hpp"

#include <utility>

namespace sidegate::authority {
namespace {

using base::Message;
using base::OrMessage;
using std::chrono::milliseconds;

constexpr unsigned kRedirectsMax = 3;

bool is_redirect(unsigned status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Message about(const Url& url, const std::string& what) {
  return {url.shown() + ": " + what};
}

/// Where a redirect leads that may be followed.
OrMessage<Url> next_place(const Url& from, const HttpAnswer& answer) {
  const std::string status = "answered " + std::to_string(answer.status);
  if (answer.location.empty()) return about(from, status + " without saying where else to ask");
  auto next = resolve(from, answer.location);
  if (!next) return about(from, status + ", which leads nowhere: " + next.error().text);
  if (!from.at_same_place(*next)) {
    return about(from, status + ", which leads to " + next->place() + "; only redirects to the same host are followed");
  }
  return next;
}

OrMessage<void> check_answer(const Url& url, const HttpAnswer& answer) {
  if (answer.status != 200) return about(url, "answered " + std::to_string(answer.status));
  if (const auto fine = check_coding(answer); !fine) return about(url, fine.error().text);
  return {};
}

}  // namespace

std::shared_ptr<Fetch> Fetch::start(boost::asio::io_context& io, KnownHosts& hosts, const config::Issuer& issuer,
                                    milliseconds patience) {
  return std::shared_ptr<Fetch>(new Fetch(Call::start(io, hosts, patience), issuer));
}

Task<OrMessage<HttpAnswer>> Fetch::get(Url url) {
  for (unsigned redirects = 0; redirects <= kRedirectsMax; ++redirects) {
    const auto answer = co_await get_one(url);
    if (!answer) co_return about(url, answer.error().text);
    if (!is_redirect(answer->status)) {
      const auto fine = check_answer(url, *answer);
      if (!fine) co_return fine.error();
      co_return answer;
    }
    auto next = next_place(url, *answer);
    if (!next) co_return next.error();
    url = std::move(*next);
  }
  co_return about(url, "redirects without end");
}

Task<OrMessage<HttpAnswer>> Fetch::get_one(const Url& url) {
  const auto tls = tls_for(url);
  if (!tls) co_return tls.error();
  const Peer peer{.url = url, .allow_http = issuer_.allow_http, .tls = tls->get()};
  const auto connection = co_await call_->connect(peer);
  if (!connection) co_return connection.error();
  const auto request = bytes_of(Request{.url = url}, Afterwards::Close);
  auto answer = co_await call_->converse(*connection, request.reveal(), AnswerReader::kBodyBytesMax);
  (*connection)->close();
  co_return answer;
}

/// Made when it is needed: the system's certificates are many.
OrMessage<TlsContext> Fetch::tls_for(const Url& url) const {
  if (!url.encrypted) return TlsContext();
  auto tls = make_tls_context(issuer_.ca ? std::optional(issuer_.ca->secret) : std::nullopt);
  if (!tls && issuer_.ca) return Message{"`ca`: " + tls.error().text};
  return tls;
}

}  // namespace sidegate::authority

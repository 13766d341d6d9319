#include "fetch.hpp"

#include "tls.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/config/address.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <utility>

namespace sidegate::authority {
namespace {

namespace asio = boost::asio;
using base::Message;
using base::OrMessage;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr unsigned kRedirectsMax = 3;
/// The result is a pair of an error and a value; nothing throws.
constexpr auto kAsTuple = asio::as_tuple(asio::deferred);

std::string words_of(milliseconds time) {
  return time.count() % 1000 == 0 ? std::to_string(time.count() / 1000) + " s" : std::to_string(time.count()) + " ms";
}

bool is_redirect(unsigned status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string request_for(const Url& url) {
  return "GET " + url.target + " HTTP/1.1\r\nHost: " + url.host_field() +
         "\r\nUser-Agent: sidegate\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n"
         "Connection: close\r\n\r\n";
}

Message about(const Url& url, const std::string& what) {
  return {url.shown() + ": " + what};
}

/// Where a redirect leads that may be followed.
OrMessage<Url> next_place(const Url& from, const Answer& answer) {
  const std::string status = "answered " + std::to_string(answer.status);
  if (answer.location.empty()) return about(from, status + " without saying where else to ask");
  auto next = resolve(from, answer.location);
  if (!next) return about(from, status + ", which leads nowhere: " + next.error().text);
  if (!from.at_same_place(*next)) {
    return about(from, status + ", which leads to " + next->place() + "; only redirects to the same host are followed");
  }
  return next;
}

OrMessage<void> check_answer(const Url& url, const Answer& answer) {
  if (answer.status != 200) return about(url, "answered " + std::to_string(answer.status));
  bool is_plain = true;
  base::for_each_list_item(answer.content_encoding, [&](std::string_view coding) {
    is_plain = is_plain && base::equals_ignoring_case(coding, "identity");
  });
  if (!is_plain) return about(url, "the answer is compressed, which was not asked for");
  return {};
}

}  // namespace

std::shared_ptr<Fetch> Fetch::start(asio::io_context& io, NameThreads& names, const config::Issuer& issuer,
                                    milliseconds patience) {
  std::shared_ptr<Fetch> fetch(new Fetch(io, names, issuer));
  fetch->begin_deadline(patience);
  return fetch;
}

Fetch::Fetch(asio::io_context& io, NameThreads& names, const config::Issuer& issuer)
    : names_(names),
      issuer_(issuer),
      socket_(io.get_executor()),
      deadline_(io.get_executor()),
      attempt_(io.get_executor()),
      found_(io.get_executor()) {}

void Fetch::begin_deadline(milliseconds patience) {
  deadline_.expires_after(patience);
  deadline_.async_wait([weak = weak_from_this(), patience](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self) self->cut("timed out after " + words_of(patience));
  });
}

void Fetch::cut(std::string why) {
  if (cut_) return;
  cut_ = std::move(why);
  deadline_.cancel();
  attempt_.cancel();
  found_.cancel();
  close();
}

void Fetch::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

Task<OrMessage<Answer>> Fetch::get(Url url) {
  for (unsigned redirects = 0; redirects <= kRedirectsMax; ++redirects) {
    auto answer = co_await get_one(url);
    close();
    if (cut_) co_return about(url, *cut_);
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

Task<OrMessage<Answer>> Fetch::get_one(const Url& url) {
  const auto connected = co_await connect(url);
  if (!connected) co_return connected.error();
  if (url.encrypted) co_return co_await converse_encrypted(url);
  co_return co_await converse(socket_, url);
}

Task<OrMessage<Addresses>> Fetch::find_addresses(const Url& url) {
  if (const auto literal = base::IpAddress::parse(url.address.host)) co_return Addresses{*literal};
  addresses_.reset();
  found_.expires_at(steady_clock::time_point::max());
  names_.start(url.address.host, [weak = weak_from_this()](OrMessage<Addresses> found) {
    const auto self = weak.lock();
    if (!self) return;
    self->addresses_ = std::move(found);
    self->found_.cancel();
  });
  co_await found_.async_wait(kAsTuple);
  if (!addresses_) co_return Message{"nobody waits any more"};
  co_return *std::exchange(addresses_, std::nullopt);
}

Task<OrMessage<void>> Fetch::connect(const Url& url) {
  const auto addresses = co_await find_addresses(url);
  if (!addresses) co_return addresses.error();
  OrMessage<void> outcome = Message{"the host has no address"};
  for (std::size_t i = 0; i < addresses->size() && !cut_; ++i) {
    // Each has its share of the time that is left: behind an address that is silent there may be one that answers.
    const auto now = steady_clock::now();
    const auto share = (deadline_.expiry() - now) / static_cast<int>(addresses->size() - i);
    outcome = co_await connect_to((*addresses)[i], url, now + share);
    if (outcome) break;
  }
  co_return outcome;
}

Task<OrMessage<void>> Fetch::connect_to(const base::IpAddress& address, const Url& url,
                                        steady_clock::time_point deadline) {
  if (auto fine = check_address(address); !fine) co_return fine;
  // A name of this machine may be somebody else's where the resolver says so.
  if (!url.encrypted && !issuer_.allow_http && !config::is_local({{}, address.text(), 0, {}})) {
    co_return Message{"by plain http " + address.text() + " is not asked: it is another machine"};
  }
  close();
  attempt_.expires_at(deadline);
  attempt_.async_wait([weak = weak_from_this(), deadline](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && self->attempt_.expiry() == deadline) self->close();
  });
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(address.text()), url.address.port);
  const auto [failed] = co_await socket_.async_connect(endpoint, kAsTuple);
  const bool in_time = steady_clock::now() < deadline;
  attempt_.expires_at(steady_clock::time_point::max());
  if (!failed && socket_.is_open()) co_return OrMessage<void>{};
  const std::string why = in_time ? failed.message() : std::string("it is silent");
  co_return Message{"nobody answers at " + address.text() + ": " + why};
}

Task<OrMessage<Answer>> Fetch::converse_encrypted(const Url& url) {
  auto settings = make_tls_context(issuer_.ca ? std::optional(issuer_.ca->secret) : std::nullopt);
  if (!settings) co_return Message{issuer_.ca ? "`ca`: " + settings.error().text : settings.error().text};
  asio::ssl::context context(settings->release());
  asio::ssl::stream<Socket&> stream(socket_, context);
  SSL& connection = *stream.native_handle();
  if (const auto fine = expect_host(connection, url.address.host); !fine) co_return fine.error();
  const auto [failed] = co_await stream.async_handshake(asio::ssl::stream_base::client, kAsTuple);
  if (failed) co_return Message{explain_handshake(connection, failed.message())};
  co_return co_await converse(stream, url);
}

template <class Stream>
Task<OrMessage<Answer>> Fetch::converse(Stream& stream, const Url& url) {
  const std::string request = request_for(url);
  const auto [not_sent, sent] = co_await asio::async_write(stream, asio::buffer(request), kAsTuple);
  if (not_sent) co_return Message{"the request cannot be sent: " + not_sent.message()};
  AnswerReader reader;
  while (true) {
    const auto space = reader.space();
    const auto [failed, count] = co_await stream.async_read_some(asio::buffer(space.data(), space.size()), kAsTuple);
    // The end that TLS announces, or TCP without it; one that somebody on the way made is none (RFC 8446 section 6.1).
    if (failed == asio::error::eof) {
      if (const auto ended = reader.end(); !ended) co_return ended.error();
      co_return reader.answer();
    }
    if (failed == asio::ssl::error::stream_truncated) {
      co_return Message{"the connection ended in the middle of the answer"};
    }
    if (failed) co_return Message{"the connection broke: " + failed.message()};
    const auto whole = reader.take(count);
    if (!whole) co_return whole.error();
    if (*whole) co_return reader.answer();
  }
}

}  // namespace sidegate::authority

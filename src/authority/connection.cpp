#include "connection.hpp"

#include "tls.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <optional>
#include <utility>

namespace sidegate::authority {
namespace {

namespace asio = boost::asio;
using base::Message;
using base::OrMessage;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Encrypted = asio::ssl::stream<Socket&>;

/// The result is a pair of an error and a value; nothing throws.
constexpr auto kAsTuple = asio::as_tuple(asio::deferred);

/// What one request came to, for the next one.
struct Exchange {
  bool answered = false;
  bool reusable = false;
};

/// What comes next is acknowledged at once. A service that sends head and body apart, and does without TCP_NODELAY,
/// keeps the body until the head is acknowledged, which Linux puts off by 40 ms on a connection that goes to and fro.
void acknowledge_at_once(Socket::lowest_layer_type& socket) noexcept {
  const int yes = 1;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof yes);
}

template <class Stream>
Task<OrMessage<HttpAnswer>> exchange(Stream& stream, std::string_view request, std::size_t body_bytes_max,
                                     Exchange& came) {
  const auto [not_sent, sent] = co_await asio::async_write(stream, asio::buffer(request), kAsTuple);
  if (not_sent) co_return Message{"the request cannot be sent: " + not_sent.message()};
  acknowledge_at_once(stream.lowest_layer());
  AnswerReader reader(body_bytes_max);
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
    came.answered = reader.has_begun();
    if (!whole) co_return whole.error();
    if (!*whole) continue;
    came.reusable = reader.keeps_connection();
    co_return reader.answer();
  }
}

}  // namespace

struct Connection::State {
  explicit State(asio::io_context& io)
      : socket(io.get_executor()), patience(io.get_executor()), woken(io.get_executor()) {}

  Socket socket;
  std::optional<Encrypted> encrypted{};
  Exchange last{};

  Timer patience;  ///< of a rest
  Timer woken;     ///< ends when the rest does
  std::function<void()> gone{};
  char unasked = 0;
  bool resting = false;
  bool waking = false;
  bool undisturbed = false;  ///< the last rest was
};

std::shared_ptr<Connection> Connection::create(asio::io_context& io) {
  return std::shared_ptr<Connection>(new Connection(io));
}

Connection::Connection(asio::io_context& io) : state_(std::make_unique<State>(io)) {}
Connection::~Connection() = default;

Task<OrMessage<void>> Connection::connect(const base::IpAddress& address, std::uint16_t port) {
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(address.text()), port);
  const auto [failed] = co_await state_->socket.async_connect(endpoint, kAsTuple);
  if (failed) co_return Message{failed.message()};
  if (!is_open()) co_return Message{"it was closed"};
  boost::system::error_code ignored;
  state_->socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  co_return OrMessage<void>{};
}

Task<OrMessage<void>> Connection::encrypt(SSL_CTX& settings, const std::string& host) {
  SSL* const made = SSL_new(&settings);
  if (made == nullptr) {
    ERR_clear_error();
    co_return Message{"TLS cannot begin"};
  }
  auto& stream = state_->encrypted.emplace(state_->socket, made);
  if (const auto fine = expect_host(*made, host); !fine) co_return fine.error();
  const auto [failed] = co_await stream.async_handshake(asio::ssl::stream_base::client, kAsTuple);
  if (failed) co_return Message{explain_handshake(*made, failed.message())};
  co_return OrMessage<void>{};
}

Task<OrMessage<HttpAnswer>> Connection::converse(std::string_view request, std::size_t body_bytes_max) {
  state_->last = {};
  if (state_->encrypted) co_return co_await exchange(*state_->encrypted, request, body_bytes_max, state_->last);
  co_return co_await exchange(state_->socket, request, body_bytes_max, state_->last);
}

bool Connection::has_answered() const noexcept {
  return state_->last.answered;
}

bool Connection::may_be_reused() const noexcept {
  return state_->last.reusable && is_open();
}

void Connection::rest(std::chrono::milliseconds patience, std::function<void()> gone) {
  state_->resting = true;
  state_->gone = std::move(gone);
  state_->patience.expires_after(patience);
  state_->patience.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self && self->state_->resting) self->close();
  });
  const auto note = [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
    self->end_rest(error == asio::error::operation_aborted);
  };
  // Through TLS, which may have read more than the answer already.
  const auto room = asio::buffer(&state_->unasked, 1);
  state_->encrypted ? state_->encrypted->async_read_some(room, note) : state_->socket.async_read_some(room, note);
}

void Connection::end_rest(bool undisturbed) {
  state_->resting = false;
  state_->undisturbed = undisturbed;
  state_->patience.cancel();
  const auto gone = std::exchange(state_->gone, {});
  if (state_->waking) {
    state_->woken.cancel();
    return;
  }
  close();
  gone();
}

Task<bool> Connection::wake() {
  if (state_->resting) {
    state_->waking = true;
    boost::system::error_code ignored;
    state_->socket.cancel(ignored);
    state_->woken.expires_at(std::chrono::steady_clock::time_point::max());
    co_await state_->woken.async_wait(kAsTuple);
    state_->waking = false;
  }
  co_return is_open() && state_->undisturbed;
}

bool Connection::is_open() const noexcept {
  return state_->socket.is_open();
}

void Connection::close() noexcept {
  boost::system::error_code ignored;
  state_->socket.close(ignored);
}

}  // namespace sidegate::authority

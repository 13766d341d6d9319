#include <sidegate/base/text.hpp>
#include <sidegate/net/listening_socket.hpp>
#include <sidegate/web/server.hpp>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <array>
#include <cerrno>
#include <ctime>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

/// One `Core` accepts; one `Session` serves a connection: head, body, the handler, its answer, and again. Both are held
/// by the operations under way, so that closing is only a matter of closing sockets: what was waiting then ends by
/// itself and finds `closed_`.
namespace sidegate::web {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
/// TCP and unix sockets alike, so that the server is compiled once for both.
using Protocol = asio::generic::stream_protocol;
using Stream = beast::basic_stream<Protocol>;
using Acceptor = asio::basic_socket_acceptor<Protocol>;

/// How much is read ahead of what the parser has taken.
constexpr std::size_t kReadAheadBytes = std::size_t{64} * 1024;
/// How long an answer that ends a connection is given to arrive, before the client's unread bytes reset it.
constexpr std::chrono::seconds kLingerTimeout{2};
/// The pause after a failed accept: descriptors are short, and trying at once would only spin.
constexpr std::chrono::milliseconds kAcceptPause{100};

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), length};
}

class Session;

class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(asio::io_context& io, net::ListeningSocket socket, const ServerLimits& limits, Handler handler)
      : socket_(std::move(socket)), acceptor_(io), limits_(limits), handler_(std::move(handler)), pause_(io) {}

  /// Once, before `accept`; what prevents it.
  error_code attach();

  const ServerLimits& limits() const noexcept { return limits_; }
  const config::Address& address() const noexcept { return socket_.address(); }
  bool closed() const noexcept { return closed_; }
  void handle(const Request& request, Respond respond) { handler_(request, std::move(respond)); }

  void accept();
  void close();
  void joined(Session& session) { sessions_.insert(&session); }
  void left(Session& session) {
    sessions_.erase(&session);
    accept();
  }

 private:
  void accepted(error_code failed, Stream::socket_type socket);

  net::ListeningSocket socket_;
  Acceptor acceptor_;  ///< a descriptor of its own for the same socket
  ServerLimits limits_;
  Handler handler_;
  asio::steady_timer pause_;
  std::unordered_set<Session*> sessions_;
  bool accepting_ = false;
  bool closed_ = false;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<Core> core, Stream::socket_type socket)
      : core_(std::move(core)), stream_(std::move(socket)), buffer_(core_->limits().head_bytes_max + kReadAheadBytes) {
    core_->joined(*this);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  /// A handler that drops its `Respond` ends the session here.
  ~Session() { finish(); }

  void start() {
    error_code ignored;
    // Fails on a unix socket, which has no need of it.
    stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    read_head();
  }

  void finish() {
    if (std::exchange(finished_, true)) return;
    stream_.close();
    core_->left(*this);
  }

 private:
  void read_head();
  void on_head(error_code failed);
  void read_body();
  void handle();
  void answer(std::uint64_t turn, Response response);
  void refuse(error_code failed);
  void write(Response response);
  void on_written(error_code failed);
  void linger();

  std::shared_ptr<Core> core_;
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  std::array<char, 4096> discarded_{};
  std::uint64_t turn_ = 0;  ///< counts the answers, so that a second one to the same request is known
  bool is_head_ = false;
  bool keep_alive_ = false;
  unsigned version_ = 11;
  bool finished_ = false;
};

void Session::read_head() {
  is_head_ = false;
  parser_.emplace();
  parser_->header_limit(core_->limits().head_bytes_max);
  parser_->body_limit(core_->limits().body_bytes_max);
  stream_.expires_after(core_->limits().timeout);
  http::async_read_header(stream_, buffer_, *parser_,
                          [self = shared_from_this()](error_code failed, std::size_t) { self->on_head(failed); });
}

void Session::on_head(error_code failed) {
  if (finished_) return;
  if (failed) return refuse(failed);
  const auto& head = parser_->get();
  is_head_ = head.method() == http::verb::head;
  version_ = head.version();
  const auto expect = head[http::field::expect];
  const bool continues = !parser_->is_done() && version_ == 11 &&
                         base::equals_ignoring_case({expect.data(), expect.size()}, "100-continue");
  if (!continues) return read_body();
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(stream_, asio::buffer(kContinue), [self = shared_from_this()](error_code broken, std::size_t) {
    broken ? self->finish() : self->read_body();
  });
}

void Session::read_body() {
  stream_.expires_after(core_->limits().timeout);
  http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code failed, std::size_t) {
    if (self->finished_) return;
    failed ? self->refuse(failed) : self->handle();
  });
}

void Session::handle() {
  auto message = parser_->release();
  keep_alive_ = message.keep_alive();
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message)
    request.fields.push_back({std::string(field.name_string()), std::string(field.value())});
  request.body = std::move(message.body());

  stream_.expires_never();
  core_->handle(request, [self = shared_from_this(), turn = ++turn_](Response response) {
    asio::dispatch(self->stream_.get_executor(),
                   [self, turn, response = std::move(response)]() mutable { self->answer(turn, std::move(response)); });
  });
}

void Session::answer(std::uint64_t turn, Response response) {
  if (finished_ || turn != turn_) return;
  ++turn_;
  write(std::move(response));
}

/// A head or body that cannot be taken: said where the client still listens, then the connection ends.
void Session::refuse(error_code failed) {
  keep_alive_ = false;
  if (failed == http::error::body_limit) return write(error_response(413, "Content too large"));
  if (failed == http::error::header_limit || failed == http::error::buffer_overflow) {
    return write(error_response(431, "Request header fields too large"));
  }
  const bool client_left = failed == http::error::end_of_stream || failed == http::error::partial_message;
  const bool malformed = failed.category() == make_error_code(http::error::bad_method).category();
  if (malformed && !client_left) return write(error_response(400, "Bad request"));
  finish();
}

void Session::write(Response response) {
  response_ = {};
  response_.version(version_);
  response_.result(response.status);
  response_.set(http::field::date, http_date());
  response_.set("X-Content-Type-Options", "nosniff");
  if (!response.content_type.empty()) response_.set(http::field::content_type, response.content_type);
  for (const auto& field : response.fields) response_.insert(field.name, field.value);
  if (response_.find(http::field::cache_control) == response_.end()) {
    response_.set(http::field::cache_control, "no-store");
  }
  response_.content_length(response.body.size());
  response_.keep_alive(keep_alive_);
  if (!is_head_) response_.body() = std::move(response.body);

  stream_.expires_after(core_->limits().timeout);
  http::async_write(stream_, response_,
                    [self = shared_from_this()](error_code failed, std::size_t) { self->on_written(failed); });
}

void Session::on_written(error_code failed) {
  if (finished_) return;
  if (failed) return finish();
  if (keep_alive_) return read_head();
  error_code ignored;
  stream_.socket().shutdown(Stream::socket_type::shutdown_send, ignored);
  stream_.expires_after(kLingerTimeout);
  linger();
}

/// Takes what the client still sends and drops it: closing a socket with unread bytes resets the connection, and the
/// client may then never see the answer (RFC 9112 section 9.6).
void Session::linger() {
  stream_.async_read_some(asio::buffer(discarded_), [self = shared_from_this()](error_code failed, std::size_t) {
    if (self->finished_) return;
    failed ? self->finish() : self->linger();
  });
}

error_code Core::attach() {
  // Only accepted sockets take their family from it, and none of theirs is ever asked for.
  const Protocol protocol(address().kind == config::Address::Kind::Unix ? AF_UNIX : AF_INET, 0);
  error_code failed;
  const int descriptor = socket_.duplicate();
  if (descriptor < 0) return {errno, boost::system::system_category()};
  acceptor_.assign(protocol, descriptor, failed);
  if (failed) ::close(descriptor);
  return failed;
}

void Core::accept() {
  if (closed_ || accepting_ || sessions_.size() >= limits_.connections_max) return;
  accepting_ = true;
  acceptor_.async_accept([self = shared_from_this()](error_code failed, Stream::socket_type socket) {
    self->accepting_ = false;
    self->accepted(failed, std::move(socket));
  });
}

void Core::accepted(error_code failed, Stream::socket_type socket) {
  if (closed_) return;
  if (failed) {
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([self = shared_from_this()](error_code) { self->accept(); });
    return;
  }
  std::make_shared<Session>(shared_from_this(), std::move(socket))->start();
  accept();
}

void Core::close() {
  if (std::exchange(closed_, true)) return;
  socket_.close();
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  // A session leaves the set as it finishes.
  const std::vector<Session*> sessions(sessions_.begin(), sessions_.end());
  for (Session* session : sessions) session->finish();
}

class BeastServer final : public Server {
 public:
  explicit BeastServer(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  BeastServer(const BeastServer&) = delete;
  BeastServer& operator=(const BeastServer&) = delete;
  ~BeastServer() override { core_->close(); }

  const config::Address& local_address() const noexcept override { return core_->address(); }
  void close() override { core_->close(); }

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace

base::OrMessage<std::unique_ptr<Server>> Server::open(asio::io_context& io, const config::Address& address,
                                                      const ServerLimits& limits, Handler handler) {
  auto socket = net::ListeningSocket::open(address, kSocketMode);
  if (!socket) return socket.error();
  auto core = std::make_shared<Core>(io, std::move(*socket), limits, std::move(handler));
  if (const auto failed = core->attach()) {
    return base::Message{"cannot listen on " + address.text() + ": " + failed.message()};
  }
  core->accept();
  return std::unique_ptr<Server>(std::make_unique<BeastServer>(std::move(core)));
}

}  // namespace sidegate::web

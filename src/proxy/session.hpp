#pragma once

#include <sidegate/net/deadline_wheel.hpp>
#include <sidegate/net/listening_socket.hpp>
#include <sidegate/net/read_buffer.hpp>
#include <sidegate/net/stream_socket.hpp>
#include <sidegate/origin/pool.hpp>
#include <sidegate/proxy/forwarding_lines.hpp>
#include <sidegate/revocation/revocation_list.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/intrusive/list_hook.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "exchange.hpp"
#include "signal.hpp"
#include "snapshot.hpp"

namespace sidegate::proxy {

class WorkerLoop;

/// Links a session into its worker's list.
struct SessionListTag;
using SessionListHook = boost::intrusive::list_base_hook<boost::intrusive::tag<SessionListTag>>;

/// One client's connection, and the requests on it one after the other.
///
/// Two coroutines work on an exchange. `run`, the session's own, reads the request, decides, and sends it to the
/// origin. `relay_answers`, which lives as long as the origin's connection, reads the answer and sends it to the
/// client. While the answer is under way `run` already waits for the client's next bytes: so a client that leaves is
/// noticed, and nobody need be told when the answer is whole. Whichever of the two sends the answer's last byte calls
/// `finish`.
///
/// A failure on one side closes the other side's socket, which wakes its coroutine; nothing is destroyed while somebody
/// is still in it: `run` keeps the session alive, and ends only when no exchange is under way.
class Session final : public net::Deadline, public SessionListHook, public std::enable_shared_from_this<Session> {
 public:
  /// `at` is what the peer connected to, a socket of the loop's current configuration.
  Session(WorkerLoop& loop, net::StreamSocket socket, const net::Peer& peer,
          std::shared_ptr<const net::ListeningSocket> at);
  ~Session() override;

  /// Serves the connection until it is closed.
  boost::asio::awaitable<void, net::Executor> run();

  /// Reads answers from `connection` for whichever session uses it, until it is closed.
  static boost::asio::awaitable<void, net::Executor> relay_answers(std::shared_ptr<origin::Pool> pool,
                                                                   origin::ConnectionPtr connection);

  /// The loop has a new configuration: follows it at once if no request is under way, else after that.
  void on_reload();

  /// Closes the connection soon if no request is under way on it, nor comes meanwhile: one may be on its way already.
  void close_if_idle();

  /// Ends a tunnel or an event stream whose credential is revoked by now.
  void end_if_revoked(const revocation::RevocationList& revocations, base::UnixTime now);

  /// Closes it whatever is under way.
  void abort() noexcept;

 private:
  /// Measured: with 8 KiB still to come of an answer the whole request costs what it costs with copying, with 16 KiB 4
  /// to 10 per cent less CPU, and so on (docs/decisions/006-splice.md).
  static constexpr std::uint64_t kBulkBytesMin = std::uint64_t{8} * 1024;

  enum class HeadStep { NeedMore, Whole, Refused };
  /// What the one deadline is for: the client's first byte or next request, the rest of a head, more of the body; what
  /// others are asked; the answer's head, more of the answer or room at the origin; room at the client; anything over a
  /// tunnel; the client's closing.
  enum class Waiting : unsigned char {
    ForRequest,
    ForHead,
    ForBody,
    ForNews,
    ForAnswer,
    ForOrigin,
    ForClient,
    OnTunnel,
    Lingering
  };
  /// How far the answer has come: it needs more bytes of the origin; the list of what to send is full; it is whole; it
  /// failed; or the request is being sent once more.
  enum class Progress { NeedMore, Full, Finished, Failed, Retrying };

  // Before and between the requests: session.cpp.
  boost::asio::awaitable<bool, net::Executor> read_proxy_header();
  /// Waits for the next request, until `deadline`; after a while without the buffer.
  void wait_for_request(base::SteadyTime now, base::SteadyTime deadline);
  bool must_rest() const noexcept { return rest_is_due_ && socket_.is_open(); }
  /// Waits without a buffer until something comes; false where that is the end of the connection.
  boost::asio::awaitable<bool, net::Executor> rest();
  void meet(std::string peer_ip);
  /// Goes on by the loop's current configuration, in which this is the place of the listener.
  void follow(std::size_t listener);
  /// Whether the exchange has only begun to read a head.
  bool may_begin_anew() const noexcept;
  /// A buffer of the size that the current configuration asks for, with what is unread; no read may be under way.
  void renew_buffer();
  /// Whether the answer under way, or the next one, is the connection's last.
  bool is_leaving() const noexcept;
  const config::Listener& listener() const noexcept { return snapshot_->listener(listener_); }
  const base::Limits& limits() const noexcept { return snapshot_->limits(); }
  /// Of the upstream that the current request goes to.
  origin::Pool& pool() const noexcept { return snapshot_->pool(exchange_->decision.route->upstream); }

  // The request: session_request.cpp.
  HeadStep parse_head();
  base::Result<void> read_facts();
  void read_what_peer_tells();
  void decide(base::SteadyTime now);
  /// Whether somebody may know what the decision would have to be made with.
  bool lacks_knowledge() const noexcept {
    return !exchange_->decision.worth_asking.empty() || exchange_->scratch.inquiries.question;
  }
  /// Asks those who may know what the decision lacks, and decides again with each answer.
  boost::asio::awaitable<void, net::Executor> ask_others();
  /// Asks the issuers that may have the key which the credential lacks.
  boost::asio::awaitable<void, net::Executor> ask_issuers();
  /// Asks the service that knows the answer to the decision's question.
  boost::asio::awaitable<void, net::Executor> ask_service();
  /// Waits for an answer, the deadline, or the client's going.
  boost::asio::awaitable<void, net::Executor> wait_for_news(bool& watches_client);
  void wake_for_news();
  /// Whether all of the body had come already, and is now thrown away.
  bool skip_request_body();
  /// False where the exchange has a `failure`, or where the head has too many slices.
  bool gather_request();
  std::optional<base::Reason> gather_request_body();
  /// Makes room for the next request; false where there is none beside this one.
  bool read_ahead() noexcept;
  boost::asio::awaitable<void, net::Executor> answer_refusal(base::Reason reason, bool keep_alive);
  boost::asio::awaitable<bool, net::Executor> connect();
  boost::asio::awaitable<void, net::Executor> flush_to_origin();
  boost::asio::awaitable<void, net::Executor> relay_request_body();
  /// Sets the deadline for more of the body from the client, or for room for it at the origin.
  void wait_for_upload(Waiting waiting);
  /// Sends the request once more. A coroutine of its own, since the one that would read the answer has ended with the
  /// old connection.
  boost::asio::awaitable<void, net::Executor> retry();

  // The answer: session_answer.cpp.
  /// Puts the origin's buffer in order for more; false where what it holds is longer than an answer's head may be.
  bool make_room(net::ReadBuffer& in);
  void refuse(base::Reason reason, bool keep_alive);
  Progress take_answer();
  Progress take_answer_head();
  void append_request_id();
  /// The cookies of a session that was renewed; true where a Cache-Control of ours is among the lines.
  bool append_renewed_session();
  /// Whether the request is still coming though its answer is whole.
  bool upload_goes_on() const noexcept;
  boost::asio::awaitable<void, net::Executor> wait_for_rest_of_request();
  Progress take_answer_body();
  Progress end_answer();
  Progress on_origin_closed(const boost::system::error_code& error);
  Progress fail(base::Reason reason);
  /// Whether the request is one that may be sent twice, and is kept until it has been answered.
  bool may_be_sent_again() const noexcept;
  bool can_retry() const noexcept;
  bool send_to_client_now();
  boost::asio::awaitable<void, net::Executor> flush_to_client();

  // Long bodies: session_splice.cpp.
  /// Whether so much is still to come of a body of known length that it goes through a pipe (splice(2)). What was read
  /// with the head has been sent by then.
  static bool is_bulk(const http::BodyDecoder& body) noexcept { return body.remaining_length() >= kBulkBytesMin; }
  boost::asio::awaitable<Progress, net::Executor> splice_answer();
  boost::asio::awaitable<bool, net::Executor> splice_request_body();

  // The tunnel: session_tunnel.cpp.
  Progress begin_tunnel();
  /// From the client, until it sends no more.
  boost::asio::awaitable<void, net::Executor> relay_to_origin();
  /// Tells the client that the origin has ended, and waits until it has ended too.
  boost::asio::awaitable<void, net::Executor> wait_for_end_of_client();
  void restart_tunnel_timeout();

  // Both: session.cpp.
  void attach(const origin::ConnectionPtr& connection) noexcept;
  /// Ends the exchange by closing the origin's connection; whoever waits for it tells the client.
  void break_off(base::Reason reason) noexcept;
  /// Ends the exchange and the client's connection with it.
  void cut(base::Reason reason) noexcept;
  void finish();
  boost::asio::awaitable<void, net::Executor> linger();
  void wait_for_answer();
  void wait_until(Waiting waiting, base::SteadyTime deadline);
  /// What has begun now ends when its credential does, or is revoked.
  void end_with_credential(base::SteadyTime now);
  /// Whether the credential that the exchange ends with is revoked.
  bool is_revoked(base::SteadyTime now) const;
  void on_deadline() override;
  void close() noexcept;
  void reset_connection() noexcept;

  /// Something that was asked for the current request, from several at once.
  struct Question {
    std::size_t awaited;  ///< answers
    bool news = false;    ///< one came, or will not come any more
    inquiry::AnswerPtr answer{};
    base::CacheResult from = base::CacheResult::Miss;
  };

  WorkerLoop& loop_;
  net::StreamSocket socket_;
  std::shared_ptr<const net::ListeningSocket> at_;
  std::shared_ptr<Snapshot> snapshot_;  ///< what the current request began with
  std::size_t listener_ = 0;            ///< its place in the snapshot
  std::string client_ip_;
  bool peer_is_trusted_ = false;
  bool proxied_ = false;                       ///< a PROXY header has said who the client is
  std::optional<ForwardingLines> forwarding_;  ///< once it is known who the peer is
  net::ReadBuffer in_;
  std::unique_ptr<Exchange> exchange_;  ///< while a request is under way
  origin::ConnectionPtr connection_;    ///< while the exchange uses one
  std::shared_ptr<Question> question_;  ///< while its answers are awaited
  Signal changed_;                      ///< the exchange is over, or the question
  Waiting waiting_ = Waiting::ForRequest;
  base::SteadyTime idle_until_;          ///< while it waits for a request
  bool rest_is_due_ = false;             ///< the read that waits for a request was cancelled, to give the buffer back
  bool in_flight_ = false;               ///< the answer is the other coroutine's
  bool client_done_ = false;             ///< the client has closed its sending side
  unsigned reloads_since_listener_ = 0;  ///< the first of them removed it
  bool must_close_ = false;              ///< the last answer has been sent
  bool head_overdue_ = false;            ///< its deadline has passed
  std::size_t pin_begin_ = 0;  ///< the current request lies at [pin_begin_, pin_end_) of `in_` and must stay there
  std::size_t pin_end_ = 0;
};

}  // namespace sidegate::proxy

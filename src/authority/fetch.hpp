#pragma once

#include "answer_reader.hpp"
#include "name_threads.hpp"
#include "url.hpp"

#include <sidegate/config/config.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace sidegate::authority {

using Executor = boost::asio::io_context::executor_type;
template <class T>
using Task = boost::asio::awaitable<T, Executor>;
using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// Gets documents from an issuer, one after the other, under one deadline for all of them. What differs from an answer
/// 200 with a whole body is an error, said in words that name the URL.
///
/// Redirects are followed to the same scheme, host and port; anything else might be a way to somewhere that only this
/// machine can reach.
///
/// Belongs to the thread of its loop.
class Fetch : public std::enable_shared_from_this<Fetch> {
 public:
  /// The deadline runs from now on. `names` outlives it.
  static std::shared_ptr<Fetch> start(boost::asio::io_context& io, NameThreads& names, const config::Issuer& issuer,
                                      std::chrono::milliseconds patience);

  Task<base::OrMessage<Answer>> get(Url url);

  /// Ends what is under way and all that is asked later, with these words.
  void cut(std::string why);

 private:
  using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

  Fetch(boost::asio::io_context& io, NameThreads& names, const config::Issuer& issuer);

  void begin_deadline(std::chrono::milliseconds patience);
  Task<base::OrMessage<Answer>> get_one(const Url& url);
  Task<base::OrMessage<Addresses>> find_addresses(const Url& url);
  Task<base::OrMessage<void>> connect(const Url& url);
  Task<base::OrMessage<void>> connect_to(const base::IpAddress& address, const Url& url,
                                         std::chrono::steady_clock::time_point deadline);
  Task<base::OrMessage<Answer>> converse_encrypted(const Url& url);
  template <class Stream>
  Task<base::OrMessage<Answer>> converse(Stream& stream, const Url& url);
  void close();

  NameThreads& names_;
  config::Issuer issuer_;
  Socket socket_;
  Timer deadline_;
  Timer attempt_;                                        ///< for one address of several
  Timer found_;                                          ///< ends when the look-up does
  std::optional<base::OrMessage<Addresses>> addresses_;  ///< what it found
  std::optional<std::string> cut_;                       ///< why
};

}  // namespace sidegate::authority

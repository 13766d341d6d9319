#include "name_threads.hpp"

#include <boost/asio/post.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace sidegate::authority {
namespace {

using base::IpAddress;
using base::Message;
using base::OrMessage;

/// So many may hang at a time.
constexpr std::size_t kThreadsMax = 64;

IpAddress address_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in&>(address).sin_addr, bytes.size());
    return IpAddress::v4(bytes);
  }
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, bytes.size());
  return IpAddress::v6(bytes);
}

}  // namespace

OrMessage<Addresses> look_up(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(name.c_str(), nullptr, &hints, &found);
  if (failed != 0) return Message{std::string("the host cannot be found: ") + ::gai_strerror(failed)};
  Addresses addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (each->ai_family == AF_INET || each->ai_family == AF_INET6) addresses.push_back(address_of(*each->ai_addr));
  }
  ::freeaddrinfo(found);
  return addresses;
}

/// Where the threads leave what they found, for as long as there is somebody to take it.
struct NameThreads::Mailbox {
  std::mutex mutex;
  boost::asio::io_context* io;
  std::size_t threads = 0;

  explicit Mailbox(boost::asio::io_context& loop) : io(&loop) {}

  bool enter() {
    const std::lock_guard lock(mutex);
    if (threads == kThreadsMax) return false;
    ++threads;
    return true;
  }

  void leave() {
    const std::lock_guard lock(mutex);
    --threads;
  }

  void post(Done done, OrMessage<Addresses> found) {
    const std::lock_guard lock(mutex);
    if (io == nullptr) return;
    boost::asio::post(*io, [done = std::move(done), found = std::move(found)] { done(found); });
  }

  void close() {
    const std::lock_guard lock(mutex);
    io = nullptr;
  }
};

NameThreads::NameThreads(boost::asio::io_context& io, LookUp look_up)
    : look_up_(std::move(look_up)), mailbox_(std::make_shared<Mailbox>(io)) {}

NameThreads::~NameThreads() {
  mailbox_->close();
}

void NameThreads::start(const std::string& name, Done done) {
  if (!mailbox_->enter()) return mailbox_->post(std::move(done), Message{"too many look-ups of names hang"});
  try {
    std::thread([mailbox = mailbox_, look_up = look_up_, name, done] {
      auto found = look_up(name);
      mailbox->leave();
      mailbox->post(done, std::move(found));
    }).detach();
  } catch (const std::system_error&) {
    mailbox_->leave();
    mailbox_->post(std::move(done), Message{"there is no thread to look up the host with"});
  }
}

}  // namespace sidegate::authority

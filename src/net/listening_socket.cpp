#include <sidegate/base/descriptor.hpp>
#include <sidegate/net/listening_socket.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace sidegate::net {
namespace {

using base::Descriptor;

constexpr int kBacklog = 4096;

base::Message failure(const config::Address& address, const std::string& what, int error) {
  return {"cannot listen on " + address.text() + ": " + what + (error == 0 ? "" : std::strerror(error))};
}

base::OrMessage<int> open_unix(const config::Address& address, unsigned mode) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address.path.empty()) return base::Message{"cannot listen on unix: an empty path"};
  if (address.path.size() >= sizeof name.sun_path) {
    return base::Message{"cannot listen on " + address.text() + ": the path is longer than " +
                         std::to_string(sizeof name.sun_path - 1) + " bytes"};
  }
  std::memcpy(name.sun_path, address.path.data(), address.path.size());
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return failure(address, "", errno);
  struct stat status {};
  if (::lstat(name.sun_path, &status) == 0 && S_ISSOCK(status.st_mode)) {
    const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 && errno == ECONNREFUSED) {
      ::unlink(name.sun_path);
    }
  }
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    return failure(address, "", errno);
  }
  if (::chmod(name.sun_path, mode) != 0) return failure(address, "its mode cannot be set: ", errno);
  if (::listen(socket.get(), kBacklog) != 0) return failure(address, "", errno);
  return socket.release();
}

/// Whether this machine has the family at all; `[::]` then means the other one.
bool has_ipv6() {
  const Descriptor probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return probe.get() >= 0;
}

base::OrMessage<int> open_tcp(const config::Address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto port = std::to_string(address.port);
  if (const int error = ::getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return base::Message{"cannot listen on " + address.text() + ": " + ::gai_strerror(error)};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  Descriptor socket(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return failure(address, "", errno);
  const int on = 1;
  const int off = 0;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (found->ai_family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0) return failure(address, "", errno);
  if (::listen(socket.get(), kBacklog) != 0) return failure(address, "", errno);
  return socket.release();
}

std::uint16_t bound_port(int descriptor) noexcept {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &length);
  if (name.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&name)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&name)->sin_port);
}

std::string ip_of(const sockaddr_storage& name) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (name.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&name)->sin_addr, text.data(), text.size());
  } else if (name.ss_family == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(&name)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      ::inet_ntop(AF_INET, &v6.s6_addr[12], text.data(), text.size());
    } else {
      ::inet_ntop(AF_INET6, &v6, text.data(), text.size());
    }
  }
  return text.data();
}

}  // namespace

base::OrMessage<ListeningSocket> ListeningSocket::open(const config::Address& address, unsigned mode) {
  const bool is_unix = address.kind == config::Address::Kind::Unix;
  config::Address effective = address;
  if (!is_unix && address.host == "::" && !has_ipv6()) effective.host = "0.0.0.0";
  const auto descriptor = is_unix ? open_unix(address, mode) : open_tcp(effective);
  if (!descriptor) return descriptor.error();
  config::Address bound = address;
  if (!is_unix) bound.port = bound_port(*descriptor);
  return ListeningSocket(*descriptor, std::move(bound), mode);
}

ListeningSocket::ListeningSocket(int descriptor, config::Address address, unsigned mode) noexcept
    : descriptor_(descriptor), address_(std::move(address)), mode_(mode) {
  struct stat status {};
  if (address_.kind != config::Address::Kind::Unix || ::lstat(address_.path.c_str(), &status) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      address_(std::move(other.address_)),
      mode_(other.mode_),
      device_(other.device_),
      inode_(other.inode_) {}

ListeningSocket::~ListeningSocket() {
  close();
}

int ListeningSocket::duplicate() const {
  return ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
}

base::OrMessage<void> ListeningSocket::set_mode(unsigned mode) {
  if (address_.kind != config::Address::Kind::Unix || mode == mode_) return {};
  if (!has_its_file()) return failure(address_, "its mode cannot be set: another file stands there", 0);
  if (::chmod(address_.path.c_str(), mode) != 0) return failure(address_, "its mode cannot be set: ", errno);
  mode_ = mode;
  return {};
}

bool ListeningSocket::has_its_file() const noexcept {
  struct stat status {};
  return ::lstat(address_.path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) && status.st_dev == device_ &&
         status.st_ino == inode_;
}

void ListeningSocket::remove_file() noexcept {
  if (address_.kind == config::Address::Kind::Unix && has_its_file()) ::unlink(address_.path.c_str());
}

void ListeningSocket::refuse_new() noexcept {
  remove_file();
  // Closing the socket would reset whoever is in its queue. A filter that drops the first segment of a connection (SYN,
  // RFC 9293 section 3.1) keeps others from joining them; they try again, and find it closed.
  constexpr unsigned kFlagsOffset = 13;
  constexpr unsigned kSyn = 0x02;
  std::array<sock_filter, 4> no_syn{{BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlagsOffset),
                                     BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kSyn, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0),
                                     BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF)}};
  const sock_fprog filter{no_syn.size(), no_syn.data()};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

void ListeningSocket::close() noexcept {
  if (descriptor_ < 0) return;
  // The duplicates of the workers keep the file description alive; this ends the listening itself.
  ::shutdown(descriptor_, SHUT_RDWR);
  ::close(std::exchange(descriptor_, -1));
  remove_file();
}

AcceptStatus accept_now(int descriptor, StreamSocket& socket, Peer& peer) {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  const int accepted = ::accept4(descriptor, reinterpret_cast<sockaddr*>(&name), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (accepted < 0) {
    switch (errno) {
      case EAGAIN:
      case EINTR:
      case ECONNABORTED:
      case EPROTO:
        return AcceptStatus::WouldBlock;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        return AcceptStatus::Exhausted;
      default:
        return AcceptStatus::Failed;
    }
  }
  const int family = name.ss_family == AF_UNIX ? AF_UNIX : name.ss_family;
  boost::system::error_code error;
  socket.assign({family, 0}, accepted, error);
  if (error) {
    ::close(accepted);
    return AcceptStatus::Exhausted;
  }
  prepare(socket);
  peer.ip = ip_of(name);
  return AcceptStatus::Accepted;
}

}  // namespace sidegate::net

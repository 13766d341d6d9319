/// Loaded before the C library (LD_PRELOAD), this counts the system calls that a process makes by way of it. A tracer
/// would see them all, but needs rights that not everybody has, and delays each of them.
///
/// The counts stand in the file SYSTEM_CALL_COUNTS, which is a `Table`; others may read it at any time. What the C
/// library calls by itself, such as the futexes behind its locks, passes by unseen.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string_view>

namespace {

using Name = std::array<char, 24>;

consteval Name name(std::string_view text) {
  Name padded{};
  std::copy(text.begin(), text.end(), padded.begin());
  return padded;
}

/// How often a function was called. The name is written once, on its first call.
struct Count {
  Name name;
  std::atomic<std::uint64_t> calls;
};
constexpr std::size_t kCountsMax = 64;  ///< more than there are functions below
using Table = std::array<Count, kCountsMax>;

Table* table = nullptr;  ///< until it is there nothing is counted

[[gnu::constructor]] void open_table() {
  const char* const path = std::getenv("SYSTEM_CALL_COUNTS");
  const int file = path == nullptr ? -1 : ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ::ftruncate(file, sizeof(Table)) != 0) std::abort();
  void* const memory = ::mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) std::abort();
  ::close(file);
  table = static_cast<Table*>(memory);
}

Count& next_count(const Name& name) {
  static std::atomic<std::size_t> used = 0;
  Count& count = table->at(used.fetch_add(1));
  count.name = name;
  return count;
}

/// Calls the function of that name which would have been called without this library. The arguments have the types of
/// its parameters.
template <Name kName, class Result, class... Arguments>
Result counted(Arguments... arguments) {
  static auto* const function = reinterpret_cast<Result (*)(Arguments...)>(::dlsym(RTLD_NEXT, kName.data()));
  if (table != nullptr) {
    static Count& count = next_count(kName);
    count.calls.fetch_add(1, std::memory_order_relaxed);
  }
  return function(arguments...);
}

}  // namespace

extern "C" {

ssize_t recv(int socket, void* bytes, size_t size, int flags) {
  return counted<name("recv"), ssize_t>(socket, bytes, size, flags);
}
ssize_t recvfrom(int socket, void* bytes, size_t size, int flags, sockaddr* address, socklen_t* length) {
  return counted<name("recvfrom"), ssize_t>(socket, bytes, size, flags, address, length);
}
ssize_t recvmsg(int socket, msghdr* message, int flags) {
  return counted<name("recvmsg"), ssize_t>(socket, message, flags);
}
ssize_t read(int file, void* bytes, size_t size) {
  return counted<name("read"), ssize_t>(file, bytes, size);
}
ssize_t readv(int file, const iovec* slices, int count) {
  return counted<name("readv"), ssize_t>(file, slices, count);
}

ssize_t send(int socket, const void* bytes, size_t size, int flags) {
  return counted<name("send"), ssize_t>(socket, bytes, size, flags);
}
ssize_t sendto(int socket, const void* bytes, size_t size, int flags, const sockaddr* address, socklen_t length) {
  return counted<name("sendto"), ssize_t>(socket, bytes, size, flags, address, length);
}
ssize_t sendmsg(int socket, const msghdr* message, int flags) {
  return counted<name("sendmsg"), ssize_t>(socket, message, flags);
}
ssize_t write(int file, const void* bytes, size_t size) {
  return counted<name("write"), ssize_t>(file, bytes, size);
}
ssize_t writev(int file, const iovec* slices, int count) {
  return counted<name("writev"), ssize_t>(file, slices, count);
}
ssize_t splice(int from, off64_t* from_offset, int to, off64_t* to_offset, size_t size, unsigned flags) {
  return counted<name("splice"), ssize_t>(from, from_offset, to, to_offset, size, flags);
}
ssize_t sendfile(int to, int from, off_t* offset, size_t size) noexcept {
  return counted<name("sendfile"), ssize_t>(to, from, offset, size);
}

int epoll_wait(int epoll, epoll_event* events, int size, int timeout) {
  return counted<name("epoll_wait"), int>(epoll, events, size, timeout);
}
int epoll_pwait(int epoll, epoll_event* events, int size, int timeout, const sigset_t* mask) {
  return counted<name("epoll_pwait"), int>(epoll, events, size, timeout, mask);
}
int epoll_ctl(int epoll, int operation, int file, epoll_event* event) noexcept {
  return counted<name("epoll_ctl"), int>(epoll, operation, file, event);
}
int poll(pollfd* files, nfds_t count, int timeout) {
  return counted<name("poll"), int>(files, count, timeout);
}
int timerfd_settime(int timer, int flags, const itimerspec* time, itimerspec* before) noexcept {
  return counted<name("timerfd_settime"), int>(timer, flags, time, before);
}
int nanosleep(const timespec* time, timespec* rest) {
  return counted<name("nanosleep"), int>(time, rest);
}
int sched_yield() noexcept {
  return counted<name("sched_yield"), int>();
}
int pthread_cond_signal(pthread_cond_t* condition) noexcept {
  return counted<name("pthread_cond_signal"), int>(condition);
}
int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
  return counted<name("pthread_cond_broadcast"), int>(condition);
}

int accept(int socket, sockaddr* address, socklen_t* length) {
  return counted<name("accept"), int>(socket, address, length);
}
int accept4(int socket, sockaddr* address, socklen_t* length, int flags) {
  return counted<name("accept4"), int>(socket, address, length, flags);
}
int socket(int family, int type, int protocol) noexcept {
  return counted<name("socket"), int>(family, type, protocol);
}
int connect(int socket, const sockaddr* address, socklen_t length) {
  return counted<name("connect"), int>(socket, address, length);
}
int shutdown(int socket, int how) noexcept {
  return counted<name("shutdown"), int>(socket, how);
}
int close(int file) {
  return counted<name("close"), int>(file);
}
int setsockopt(int socket, int level, int option, const void* value, socklen_t length) noexcept {
  return counted<name("setsockopt"), int>(socket, level, option, value, length);
}
int getsockopt(int socket, int level, int option, void* value, socklen_t* length) noexcept {
  return counted<name("getsockopt"), int>(socket, level, option, value, length);
}
int getsockname(int socket, sockaddr* address, socklen_t* length) noexcept {
  return counted<name("getsockname"), int>(socket, address, length);
}
int getpeername(int socket, sockaddr* address, socklen_t* length) noexcept {
  return counted<name("getpeername"), int>(socket, address, length);
}

int pipe2(int* files, int flags) noexcept {
  return counted<name("pipe2"), int>(files, flags);
}
int fstat(int file, struct stat* status) noexcept {
  return counted<name("fstat"), int>(file, status);
}
int stat(const char* path, struct stat* status) noexcept {
  return counted<name("stat"), int>(path, status);
}
int getrusage(__rusage_who_t who, rusage* usage) noexcept {
  return counted<name("getrusage"), int>(who, usage);
}

// Whatever follows the named arguments is handed on as so many words, whether or not the caller gave them all.

int open(const char* path, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const auto mode = va_arg(more, mode_t);
  va_end(more);
  return counted<name("open"), int>(path, flags, mode);
}
int fcntl(int file, int command, ...) {
  std::va_list more;
  va_start(more, command);
  void* const argument = va_arg(more, void*);
  va_end(more);
  return counted<name("fcntl"), int>(file, command, argument);
}
int ioctl(int file, unsigned long command, ...) noexcept {
  std::va_list more;
  va_start(more, command);
  void* const argument = va_arg(more, void*);
  va_end(more);
  return counted<name("ioctl"), int>(file, command, argument);
}
long syscall(long number, ...) noexcept {
  std::va_list more;
  va_start(more, number);
  std::array<long, 6> words{};
  for (long& word : words) word = va_arg(more, long);
  va_end(more);
  return counted<name("syscall"), long>(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

// What `-D_FORTIFY_SOURCE` makes of a call whose buffer it knows.
// NOLINTBEGIN(bugprone-reserved-identifier): the names are the C library's.

ssize_t __recv_chk(int socket, void* bytes, size_t size, size_t room, int flags) {
  return counted<name("__recv_chk"), ssize_t>(socket, bytes, size, room, flags);
}
ssize_t __recvfrom_chk(int socket, void* bytes, size_t size, size_t room, int flags, sockaddr* address,
                       socklen_t* length) {
  return counted<name("__recvfrom_chk"), ssize_t>(socket, bytes, size, room, flags, address, length);
}
ssize_t __read_chk(int file, void* bytes, size_t size, size_t room) {
  return counted<name("__read_chk"), ssize_t>(file, bytes, size, room);
}
int __poll_chk(pollfd* files, nfds_t count, int timeout, size_t room) {
  return counted<name("__poll_chk"), int>(files, count, timeout, room);
}

// NOLINTEND(bugprone-reserved-identifier)
}

#pragma once

#include <sidegate/net/stream_socket.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace sidegate::net {

struct ReceiveResult {
  boost::system::error_code error;  ///< eof where the other side sends no more
  std::size_t bytes = 0;
};

/// A pipe of the kernel through which bytes go from one socket to another without being copied to this process and back
/// (splice(2)). One thread's. What is still in it when it is destroyed is lost.
class SplicePipe {
 public:
  /// Null where the process may open no more descriptors.
  static std::unique_ptr<SplicePipe> open();
  SplicePipe(const SplicePipe&) = delete;
  SplicePipe& operator=(const SplicePipe&) = delete;
  ~SplicePipe();

  /// How many bytes are in it.
  std::size_t bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return bytes_ == 0; }

 private:
  friend ReceiveResult splice_in(StreamSocket& socket, SplicePipe& pipe, std::size_t bytes_max) noexcept;
  friend SendResult splice_out(SplicePipe& pipe, StreamSocket& socket) noexcept;
  SplicePipe(int read_end, int write_end) noexcept : read_end_(read_end), write_end_(write_end) {}

  int read_end_;
  int write_end_;
  std::size_t bytes_ = 0;
};

/// Takes what has come into the pipe, `bytes_max` at most and more than none, in one system call, and never waits. The
/// error is `would_block` where nothing has come, where the pipe is full, and where an urgent byte comes first.
ReceiveResult splice_in(StreamSocket& socket, SplicePipe& pipe, std::size_t bytes_max) noexcept;

/// Sends what the socket takes now of what is in the pipe, in one system call, and never waits. The pipe must not be
/// empty, and the socket must be one that `prepare` was called for. The process must ignore SIGPIPE, or block it on
/// this thread: splice(2) has no flag against it.
SendResult splice_out(SplicePipe& pipe, StreamSocket& socket) noexcept;

/// The pipes of one worker, made as they are needed and used again, the last one first. Not thread-safe; must outlive
/// what it lends.
class SplicePipePool {
 public:
  /// How many are lent at once, at most. Each is two descriptors, and up to 256 KiB of the kernel's memory.
  static constexpr std::size_t kPipesMax = 64;

  struct GiveBack {
    SplicePipePool* pool = nullptr;
    void operator()(SplicePipe* pipe) const noexcept { pool->give_back(pipe); }
  };
  /// Goes back to the pool by itself.
  using Lent = std::unique_ptr<SplicePipe, GiveBack>;

  SplicePipePool() { idle_.reserve(kPipesMax); }
  SplicePipePool(const SplicePipePool&) = delete;
  SplicePipePool& operator=(const SplicePipePool&) = delete;

  /// An empty one. Null where `kPipesMax` are lent, or where the process may open no more descriptors.
  Lent take();

 private:
  void give_back(SplicePipe* pipe) noexcept;

  std::vector<std::unique_ptr<SplicePipe>> idle_;
  std::size_t lent_ = 0;
};

}  // namespace sidegate::net

#pragma once

#include <chrono>
#include <cstddef>

namespace sidegate::base {

/// The `limits` block of the configuration; every one is enforced with the answer named beside it. Bounds that nobody
/// configures stand as named constants where they are enforced.
struct Limits {
  std::size_t head_bytes_max = std::size_t{32} * 1024;   ///< request line and fields: 431
  std::size_t fields_max = 100;                          ///< field lines of a head: 431; of a trailer section: 400
  std::size_t target_bytes_max = std::size_t{8} * 1024;  ///< 414
  std::size_t token_bytes_max = std::size_t{16} * 1024;  ///< 401
  std::chrono::milliseconds head_timeout{10'000};        ///< first byte of a head to its end: 408
  std::chrono::milliseconds keep_alive_timeout{75'000};  ///< between requests: the connection is closed
  std::chrono::milliseconds idle_timeout{60'000};        ///< no byte of a body from or to the client
  std::size_t connections_max = 50'000;                  ///< of the process, all listeners together: 503
  std::size_t memory_bytes_max = 0;                      ///< of the connections' buffers; 0 for no limit: 503
};

}  // namespace sidegate::base

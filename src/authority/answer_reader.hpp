#pragma once

#include "wiping_allocator.hpp"

#include <sidegate/base/result.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sidegate::authority {

/// An answer, as far as anybody asks for it. Where it may hold a token its memory is wiped.
struct HttpAnswer {
  unsigned status = 0;
  std::string cache_control{};           ///< all its fields as one list
  std::string age{};                     ///< empty where there is none
  std::string location{};                ///< the same
  std::string content_type{};            ///< the same
  std::string content_encoding{};        ///< all its fields as one list
  std::vector<WipedText> set_cookies{};  ///< the value of each field
  WipedText body{};
};

/// The message says so where the answer is compressed, which nobody asks for.
base::OrMessage<void> check_coding(const HttpAnswer& answer);

/// Reads one answer from its bytes (RFC 9112), whatever pieces they come in, within limits: head, body, and everything
/// together with the framing of chunks. Interim answers (1xx) are passed over. Not for answers to HEAD and CONNECT.
class AnswerReader {
 public:
  static constexpr std::size_t kHeadBytesMax = std::size_t{16} * 1024;
  static constexpr std::size_t kBodyBytesMax = std::size_t{1024} * 1024;

  explicit AnswerReader(std::size_t body_bytes_max = kBodyBytesMax);
  AnswerReader(const AnswerReader&) = delete;
  AnswerReader& operator=(const AnswerReader&) = delete;
  ~AnswerReader();

  /// Where the next bytes go; never empty.
  std::span<char> space();

  /// Takes the first `count` bytes of `space()`. True once the answer is whole; the message says why it never is.
  base::OrMessage<bool> take(std::size_t count);

  /// The connection has ended, as its protocol wants it. The message says that something is missing.
  base::OrMessage<void> end();

  /// Whether anything has come.
  bool has_begun() const noexcept;

  /// Of the answer that is whole: whether the connection can carry another (RFC 9112 section 9.3). It cannot where more
  /// has come than this answer.
  bool keeps_connection() const;

  /// The answer that is whole.
  HttpAnswer answer();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidegate::authority

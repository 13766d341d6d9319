#pragma once

#include <sidegate/base/result.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace sidegate::authority {

/// An answer, as far as anybody asks for it.
struct Answer {
  unsigned status = 0;
  std::string cache_control{};     ///< all its fields as one list
  std::string age{};               ///< empty where there is none
  std::string location{};          ///< the same
  std::string content_encoding{};  ///< all its fields as one list
  std::string body{};
};

/// Reads one answer to a GET from its bytes (RFC 9112), whatever pieces they come in, within limits: head, body, and
/// everything together with the framing of chunks. Interim answers (1xx) are passed over.
class AnswerReader {
 public:
  static constexpr std::size_t kHeadBytesMax = std::size_t{16} * 1024;
  static constexpr std::size_t kBodyBytesMax = std::size_t{1024} * 1024;
  static constexpr std::size_t kBytesMax = std::size_t{2} * 1024 * 1024;

  AnswerReader();
  AnswerReader(const AnswerReader&) = delete;
  AnswerReader& operator=(const AnswerReader&) = delete;
  ~AnswerReader();

  /// Where the next bytes go; never empty.
  std::span<char> space();

  /// Takes the first `count` bytes of `space()`. True once the answer is whole; the message says why it never is.
  base::OrMessage<bool> take(std::size_t count);

  /// The connection has ended, as its protocol wants it. The message says that something is missing.
  base::OrMessage<void> end();

  /// The answer that is whole.
  Answer answer();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidegate::authority

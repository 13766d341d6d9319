#pragma once

#include <sidegate/base/limits.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/http/framing.hpp>
#include <sidegate/http/head.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sidegate::http {

/// Takes a body apart as it arrives (RFC 9112 sections 6 and 7), without keeping any of it.
///
/// Offer the bytes at hand to `next` and drop what it consumed, again and again. A line of the chunked coding is only
/// consumed whole, so what is left over must be offered again with more behind it; a caller whose buffer is full and
/// who still gets `NeedMore` has met an endless line. Chunk extensions and the sizes of chunks are not handed on:
/// whoever forwards the body makes chunks of its own.
class BodyDecoder {
 public:
  struct Step {
    enum class Kind : std::uint8_t { NeedMore, Data, Trailer, Done };
    Kind kind = Kind::NeedMore;
    std::size_t consumed = 0;  ///< bytes of the input that are done with; those of `data` or `trailer` included
    std::string_view data;     ///< of Kind::Data
    Field trailer;             ///< of Kind::Trailer
  };

  BodyDecoder() = default;
  BodyDecoder(Framing framing, const base::Limits& limits) noexcept;

  /// BadChunk or BadTrailer where the coding is broken.
  base::Result<Step> next(std::string_view input) noexcept;

  /// Whether the body is over. A body framed by the close of its connection never is by itself.
  bool done() const noexcept { return state_ == State::Done; }

  /// How much is still to come of a body that has a length; none of any other.
  std::uint64_t remaining_length() const noexcept { return state_ == State::Length ? remaining_ : 0; }

  /// So many of the bytes that are still to come, `remaining_length` at most, went by without being offered.
  void pass(std::uint64_t bytes) noexcept;

  /// Whether the close of the connection ends the body well.
  bool ends_with_connection() const noexcept { return state_ == State::UntilClose; }

 private:
  enum class State : std::uint8_t { Done, Length, UntilClose, ChunkSize, ChunkData, ChunkEnd, Trailers };

  base::Result<Step> take_data(std::string_view input) noexcept;
  base::Result<Step> read_size(std::string_view line, std::size_t consumed) noexcept;
  base::Result<Step> read_trailer(std::string_view line, std::string_view with_end) noexcept;

  State state_ = State::Done;
  std::uint64_t remaining_ = 0;  ///< of the body, or of the chunk
  std::size_t trailer_bytes_ = 0;
  std::size_t trailer_fields_ = 0;
  const base::Limits* limits_ = nullptr;
};

}  // namespace sidegate::http

#include <sidegate/base/text.hpp>
#include <sidegate/http/body_decoder.hpp>
#include <sidegate/http/head_parser.hpp>

#include <algorithm>
#include <charconv>

#include "line_scanner.hpp"

namespace sidegate::http {
namespace {

using base::Reason;
using base::Result;

/// A chunk's size line: sixteen digits and room for extensions that nobody uses.
constexpr std::size_t kChunkLineBytesMax = 256;
constexpr std::size_t kChunkDigitsMax = 16;

}  // namespace

BodyDecoder::BodyDecoder(Framing framing, const base::Limits& limits) noexcept : limits_(&limits) {
  switch (framing.kind) {
    case Framing::Kind::None:
      state_ = State::Done;
      break;
    case Framing::Kind::Length:
      state_ = State::Length;
      remaining_ = framing.length;
      break;
    case Framing::Kind::Chunked:
      state_ = State::ChunkSize;
      break;
    case Framing::Kind::UntilClose:
      state_ = State::UntilClose;
      break;
  }
}

Result<BodyDecoder::Step> BodyDecoder::next(std::string_view input) noexcept {
  if (state_ == State::Done) return Step{.kind = Step::Kind::Done, .consumed = 0, .data = {}, .trailer = {}};
  if (input.empty()) return Step{};
  if (state_ == State::Length || state_ == State::UntilClose || state_ == State::ChunkData) return take_data(input);

  // RFC 9112 section 7.1: a chunk's data is followed by CRLF and nothing else.
  if (state_ == State::ChunkEnd && !std::string_view("\r\n").starts_with(input.substr(0, 2))) return Reason::BadChunk;

  LineScanner scanner;
  const auto line = scanner.next(input);
  if (!line) return state_ == State::Trailers ? Reason::BadTrailer : Reason::BadChunk;
  const std::size_t length = line->data() == nullptr ? input.size() : scanner.position();
  if (state_ == State::Trailers) {
    if (trailer_bytes_ + length > limits_->head_bytes_max) return Reason::BadTrailer;
  } else if (length > kChunkLineBytesMax) {
    return Reason::BadChunk;
  }
  if (line->data() == nullptr) return Step{};
  if (state_ == State::Trailers) return read_trailer(*line, input.substr(0, length));
  if (state_ == State::ChunkSize) return read_size(*line, length);
  state_ = State::ChunkSize;
  auto following = next(input.substr(length));
  if (following) following->consumed += length;
  return following;
}

void BodyDecoder::pass(std::uint64_t bytes) noexcept {
  if (state_ != State::Length) return;
  remaining_ -= bytes;
  if (remaining_ == 0) state_ = State::Done;
}

Result<BodyDecoder::Step> BodyDecoder::take_data(std::string_view input) noexcept {
  if (state_ == State::UntilClose) {
    return Step{.kind = Step::Kind::Data, .consumed = input.size(), .data = input, .trailer = {}};
  }
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size()));
  remaining_ -= size;
  if (remaining_ == 0) state_ = state_ == State::Length ? State::Done : State::ChunkEnd;
  return Step{.kind = Step::Kind::Data, .consumed = size, .data = input.substr(0, size), .trailer = {}};
}

Result<BodyDecoder::Step> BodyDecoder::read_size(std::string_view line, std::size_t consumed) noexcept {
  const auto digits_end = std::find_if(line.begin(), line.end(), [](char c) { return base::hex_value(c) < 0; });
  const auto digits = static_cast<std::size_t>(digits_end - line.begin());
  if (digits == 0 || digits > kChunkDigitsMax) return Reason::BadChunk;
  std::from_chars(line.data(), line.data() + digits, remaining_, 16);
  // RFC 9112 section 7.1.1: extensions begin with a semicolon, with blanks before it at most; they are dropped.
  const auto rest = base::trim_blanks(line.substr(digits));
  if (!rest.empty() && rest.front() != ';') return Reason::BadChunk;
  if (rest.empty() && digits != line.size()) return Reason::BadChunk;
  state_ = remaining_ == 0 ? State::Trailers : State::ChunkData;
  return Step{.kind = Step::Kind::Data, .consumed = consumed, .data = {}, .trailer = {}};
}

Result<BodyDecoder::Step> BodyDecoder::read_trailer(std::string_view line, std::string_view with_end) noexcept {
  trailer_bytes_ += with_end.size();
  if (line.empty()) {
    state_ = State::Done;
    return Step{.kind = Step::Kind::Done, .consumed = with_end.size(), .data = {}, .trailer = {}};
  }
  if (++trailer_fields_ > limits_->fields_max) return Reason::BadTrailer;
  const auto field = parse_field(line, with_end);
  if (!field) return Reason::BadTrailer;
  return Step{.kind = Step::Kind::Trailer, .consumed = with_end.size(), .data = {}, .trailer = *field};
}

}  // namespace sidegate::http

#pragma once

#include "body_reading.hpp"
#include "property.hpp"

namespace sidegate::fuzz {

/// A chunked body is taken apart in the same way however its bytes are split, and the decoder always gets on.
inline Defect chunked_body(std::string_view input) {
  constexpr http::Framing kChunked{http::Framing::Kind::Chunked, 0};
  const auto whole = read_body(kChunked, input, in_one_piece(input.size()));
  if (!whole.misuse.empty()) return whole.misuse;
  for (const Splits& splits : ways_to_split(input)) {
    const auto split = read_body(kChunked, input, splits);
    if (!split.misuse.empty()) return split.misuse;
    if (split.text() != whole.text()) return differ("a split changes it", whole.text(), split.text());
  }
  return {};
}

}  // namespace sidegate::fuzz

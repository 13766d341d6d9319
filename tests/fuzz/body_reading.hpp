#pragma once

#include <sidegate/base/limits.hpp>
#include <sidegate/http/body_decoder.hpp>

#include <cstddef>
#include <string>
#include <string_view>

#include "splits.hpp"

namespace sidegate::fuzz {

/// A body taken apart as it arrives in pieces, what the decoder leaves over being offered again with more behind it.
struct BodyReading {
  std::string data;
  std::string trailers;  ///< "name: value" and a line feed each
  std::string refusal;   ///< the reason's name; empty where there is none
  std::string misuse;    ///< what the decoder did against its promise
  std::size_t consumed = 0;
  bool done = false;

  std::string text() const {
    return "data <" + data + ">\ntrailers <" + trailers + ">\n" +
           (refusal.empty() ? (done ? "done at " : "waiting at ") + std::to_string(consumed) : "refused: " + refusal);
  }
};

inline BodyReading read_body(http::Framing framing, std::string_view bytes, const Splits& splits,
                             const base::Limits& limits = {}) {
  using Kind = http::BodyDecoder::Step::Kind;
  BodyReading reading;
  http::BodyDecoder decoder(framing, limits);
  for (const std::size_t end : splits) {
    // A copy of just what has arrived, so that AddressSanitizer sees whoever looks further.
    const std::string arrived(bytes.substr(reading.consumed, end - reading.consumed));
    std::string_view left = arrived;
    while (true) {
      const auto step = decoder.next(left);
      if (!step) {
        reading.refusal = base::name_of(step.error());
        return reading;
      }
      if (step->consumed > left.size()) reading.misuse = "it consumes more than there is";
      if (step->data.size() > step->consumed) reading.misuse = "it hands on more than it consumes";
      if (step->consumed == 0 && (step->kind == Kind::Data || step->kind == Kind::Trailer)) {
        reading.misuse = "it does not get on";
      }
      if (!reading.misuse.empty()) return reading;
      left.remove_prefix(step->consumed);
      reading.consumed += step->consumed;
      if (step->kind == Kind::Data) reading.data += step->data;
      if (step->kind == Kind::Trailer) {
        reading.trailers += std::string(step->trailer.name) + ": " + std::string(step->trailer.value) + '\n';
      }
      if (decoder.done()) {
        reading.done = true;
        return reading;
      }
      if (step->kind == Kind::Done) reading.misuse = "it says two things about the end";
      if (step->kind == Kind::NeedMore) break;
    }
  }
  return reading;
}

}  // namespace sidegate::fuzz

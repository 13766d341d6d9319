#include "line_scanner.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>

namespace sidegate::http {
namespace {

constexpr bool is_control(char c) noexcept {
  const auto code = static_cast<unsigned char>(c);
  return (code < 0x20 && c != '\t') || code == 0x7F;
}

}  // namespace

const char* find_control(const char* begin, const char* end) noexcept {
#if defined(__SSE2__)
  // Sixteen bytes at a time: most of a head is field values, and this is where its bytes are looked at.
  const __m128i lowest_visible = _mm_set1_epi8(0x1F);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7F);
  while (end - begin >= 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(begin));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, lowest_visible), block);
    const __m128i control = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(block, tab), low), _mm_cmpeq_epi8(block, del));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(control));
    if (mask != 0) return begin + std::countr_zero(mask);
    begin += 16;
  }
#endif
  while (begin != end && !is_control(*begin)) ++begin;
  return begin;
}

}  // namespace sidegate::http

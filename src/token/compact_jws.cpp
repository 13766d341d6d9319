#include "compact_jws.hpp"

namespace sidegate::token {

std::optional<CompactJws> split_compact(std::string_view token) noexcept {
  const auto first = token.find('.');
  if (first == token.npos || first == 0) return std::nullopt;
  const auto second = token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
  return CompactJws{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1),
                    token.substr(0, second)};
}

}  // namespace sidegate::token

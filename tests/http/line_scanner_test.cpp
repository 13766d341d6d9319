#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "line_scanner.hpp"

namespace sidegate::http {
namespace {

// Every byte, at every place of a text longer than the blocks that are looked at in one go.
TEST(FindControl, FindsTheFirstOneWhereverItStands) {
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    const bool control = (code < 0x20 && c != '\t') || code == 0x7F;
    for (std::size_t at = 0; at < 50; ++at) {
      std::string text(50, '~');
      text[at] = c;
      const char* const found = find_control(text.data(), text.data() + text.size());
      ASSERT_EQ(static_cast<std::size_t>(found - text.data()), control ? at : 50U) << code << " at " << at;
    }
  }
}

TEST(FindControl, LooksNoFurtherThanTheEnd) {
  const std::string text(40, '\n');
  EXPECT_EQ(find_control(text.data(), text.data()), text.data());
  std::string visible(40, 'x');
  visible[17] = '\r';
  EXPECT_EQ(find_control(visible.data(), visible.data() + 17), visible.data() + 17);
}

struct Scan {
  std::vector<std::string> lines;
  std::string refusal;
  friend bool operator==(const Scan&, const Scan&) = default;
};

Scan scan(std::string_view bytes, std::size_t piece) {
  Scan result;
  LineScanner scanner;
  for (std::size_t end = std::min(piece, bytes.size());; end = std::min(end + piece, bytes.size())) {
    while (true) {
      const auto line = scanner.next(bytes.substr(0, end));
      if (!line) {
        result.refusal = base::name_of(line.error());
        return result;
      }
      if (line->data() == nullptr) break;
      result.lines.emplace_back(*line);
    }
    if (end == bytes.size()) return result;
  }
}

struct Case {
  std::string_view name;
  std::string_view bytes;
  Scan expected;
};

TEST(LineScanner, CutsLinesHoweverTheyArrive) {
  using namespace std::string_view_literals;
  const std::array<Case, 11> cases{{{"nothing", "", {{}, ""}},
                                    {"an empty line", "\r\n", {{""}, ""}},
                                    {"two lines", "one\r\ntwo\r\n", {{"one", "two"}, ""}},
                                    {"a line that is not whole", "one\r\ntw", {{"one"}, ""}},
                                    {"a CR at the end", "one\r", {{}, ""}},
                                    {"a tab and foreign bytes", "a\tb\xFF\r\n", {{"a\tb\xFF"}, ""}},
                                    {"a bare LF", "one\ntwo\r\n", {{}, "bare_line_feed"}},
                                    {"a bare CR", "one\rtwo\r\n", {{}, "bare_carriage_return"}},
                                    {"two CRs", "one\r\r\n", {{}, "bare_carriage_return"}},
                                    {"a NUL", "one\r\ntw\0o\r\n"sv, {{"one"}, "control_character"}},
                                    {"a DEL", "\x7F\r\n", {{}, "control_character"}}}};
  for (const auto& [name, bytes, expected] : cases) {
    for (const std::size_t piece : {1U, 2U, 3U, 100U}) EXPECT_EQ(scan(bytes, piece), expected) << name << ' ' << piece;
  }
}

TEST(LineScanner, GoesOnWhereAnotherLeftOff) {
  const std::string_view bytes = "one\r\ntwo\r\n";
  LineScanner first;
  ASSERT_TRUE(first.next(bytes.substr(0, 7)));
  ASSERT_EQ(first.next(bytes.substr(0, 7))->data(), nullptr);
  EXPECT_EQ(first.position(), 5U);
  EXPECT_EQ(first.scanned(), 7U);
  LineScanner second;
  second.resume(first.position(), first.scanned());
  EXPECT_EQ(*second.next(bytes), "two");
  EXPECT_EQ(second.position(), bytes.size());
}

}  // namespace
}  // namespace sidegate::http

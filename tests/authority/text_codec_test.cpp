#include "text_codec.hpp"

#include <gtest/gtest.h>

namespace sidegate::authority {
namespace {

std::string base64(std::string_view bytes) {
  std::string text;
  append_base64(text, bytes);
  return text;
}

TEST(TextCodec, Base64) {
  // RFC 4648 section 10
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64(std::string(48, '\xFF')), std::string(64, '/'));
  EXPECT_EQ(base64(std::string(49, '\0')), std::string(64, 'A') + "AA==");
}

TEST(TextCodec, EveryByteOfASegmentAndAForm) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    std::string segment;
    append_segment(segment, text);
    std::string form;
    append_form(form, text);
    const std::string plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    const bool is_plain = byte != 0 && plain.find(text) != plain.npos;
    EXPECT_EQ(segment.size(), is_plain || text == "~" ? 1U : 3U) << byte;
    EXPECT_EQ(form.size(), is_plain || text == "*" || text == " " ? 1U : 3U) << byte;
  }
}

TEST(TextCodec, EveryByteOfAHeaderAndACookie) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    EXPECT_EQ(is_visible(text), byte > 0x20 && byte < 0x7F) << byte;
    EXPECT_EQ(is_cookie_value(text), byte > 0x20 && byte < 0x7F && text != ";" && text != "," && text != "\"") << byte;
  }
}

}  // namespace
}  // namespace sidegate::authority

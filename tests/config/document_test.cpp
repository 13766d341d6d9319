#include "document.hpp"

#include <gmock/gmock.h>

#include <string>

namespace sidegate::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> mistakes(const std::string& text) {
  Diagnostics diagnostics("f");
  EXPECT_FALSE(parse_document(text, diagnostics).has_value());
  EXPECT_FALSE(diagnostics.ok());
  return diagnostics.lines();
}

TEST(Document, KeepsPlacesAndTexts) {
  Diagnostics diagnostics("f");
  const auto root = parse_document("a: 0x1F\nb:\n  - \"true\"\n  - {c: 010}\nd:\ne: ~\n", diagnostics);
  ASSERT_TRUE(root);
  ASSERT_EQ(root->kind, Node::Kind::Map);
  ASSERT_EQ(root->items.size(), 8U);
  EXPECT_EQ(root->items[1].text, "0x1F");
  const Node& list = root->items[3];
  ASSERT_EQ(list.kind, Node::Kind::List);
  EXPECT_EQ(list.line, 3);
  EXPECT_EQ(list.column, 3);
  EXPECT_EQ(list.items[0].text, "true");
  EXPECT_EQ(list.items[1].items[1].text, "010");
  EXPECT_EQ(list.items[1].items[1].line, 4);
  EXPECT_EQ(list.items[1].items[1].column, 9);
  EXPECT_EQ(root->items[5].kind, Node::Kind::Nothing);
  EXPECT_EQ(root->items[5].line, 5) << "the place of the key, not of the next one";
  EXPECT_EQ(root->items[7].kind, Node::Kind::Nothing);
}

TEST(Document, KeepsDuplicateKeysForTheReader) {
  Diagnostics diagnostics("f");
  const auto root = parse_document("a: 1\na: 2\n", diagnostics);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->items.size(), 4U);
}

TEST(Document, RefusesWhatIsNotPartOfTheLanguage) {
  EXPECT_THAT(mistakes("a: &x 1\nb: *x\n"), ElementsAre(HasSubstr("f:1:"), HasSubstr("f:2:4: aliases (*name)")));
  EXPECT_THAT(mistakes("a: *x\n"), ElementsAre(HasSubstr("quote a text that begins with \"*\"")));
  EXPECT_THAT(mistakes("a: !secret x\n"), ElementsAre(HasSubstr("tags (!name) are not allowed")));
  EXPECT_THAT(mistakes("a: !!int x\n"), ElementsAre(HasSubstr("tags (!name) are not allowed")));
  EXPECT_THAT(mistakes("a: 1\n---\nb: 2\n"), ElementsAre(HasSubstr("f:3:1: a second YAML document")));
}

TEST(Document, SaysWhatIsUsuallyMeant) {
  EXPECT_THAT(mistakes(""), ElementsAre(HasSubstr("the file is empty")));
  EXPECT_THAT(mistakes("# nothing\n"), ElementsAre(HasSubstr("the file is empty")));
  EXPECT_THAT(mistakes("a:\n\tb: 1\n"), ElementsAre(HasSubstr("begins with a tab")));
  EXPECT_THAT(mistakes("a: [::]:80\n"), ElementsAre(HasSubstr("begins with \"[\"")));
  EXPECT_THAT(mistakes("a: b: c\n"), ElementsAre(HasSubstr("holds \": \"")));
  EXPECT_THAT(mistakes("a: {b: c\n"), ElementsAre(HasSubstr("is not closed")));
  EXPECT_THAT(mistakes("a: @b\n"), ElementsAre(HasSubstr("quote")));
}

TEST(Document, SizeIsLimited) {
  const std::string comment(kDocumentBytesMax - 5, '#');
  Diagnostics diagnostics("f");
  EXPECT_TRUE(parse_document("a: 1\n" + comment, diagnostics));
  EXPECT_THAT(mistakes("a: 1\n" + comment + "#"), ElementsAre(HasSubstr("larger than 1048576 bytes")));
}

TEST(Document, TheNumberOfValuesIsLimited) {
  const auto list_of = [](std::size_t count) {
    std::string text = "[";
    for (std::size_t i = 0; i < count; ++i) text += "1,";
    return text + "]";
  };
  Diagnostics diagnostics("f");
  EXPECT_TRUE(parse_document(list_of(kDocumentNodesMax - 1), diagnostics));
  EXPECT_THAT(mistakes(list_of(kDocumentNodesMax)), ElementsAre(HasSubstr("more than 200000 values")));
}

TEST(Document, DepthIsLimited) {
  EXPECT_THAT(mistakes(std::string(100'000, '[')), ElementsAre(HasSubstr("not valid YAML")));
}

}  // namespace
}  // namespace sidegate::config

#include <sidegate/config/diagnostics.hpp>

#include <gmock/gmock.h>

namespace sidegate::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Diagnostics, LinesComeInTheOrderOfTheText) {
  Diagnostics diagnostics("sidegate.yaml");
  diagnostics.error({7, 3, "routes[0]"}, "second");
  diagnostics.warning({7, 1, ""}, "first");
  diagnostics.error({9, 1, "strip"}, "third");
  diagnostics.error({}, "about the whole file");
  EXPECT_THAT(diagnostics.lines(),
              ElementsAre("sidegate.yaml: about the whole file", "sidegate.yaml:7:1: warning: first",
                          "sidegate.yaml:7:3: at routes[0]: second", "sidegate.yaml:9:1: at strip: third"));
}

TEST(Diagnostics, WarningsLeaveItOk) {
  Diagnostics diagnostics("sidegate.yaml");
  EXPECT_THAT(diagnostics.lines(), IsEmpty());
  diagnostics.warning({1, 1, "a"}, "careful");
  EXPECT_TRUE(diagnostics.ok());
  diagnostics.error({1, 1, "a"}, "no");
  EXPECT_FALSE(diagnostics.ok());
  EXPECT_THAT(diagnostics.lines(),
              ElementsAre("sidegate.yaml:1:1: at a: warning: careful", "sidegate.yaml:1:1: at a: no"));
}

TEST(Diagnostics, NoNumbersForATextThatNobodyWrote) {
  Diagnostics diagnostics{std::string(kEnvironmentFile)};
  diagnostics.error({12, 4, "routes[0].path[0]"}, "not a pattern");
  EXPECT_THAT(diagnostics.lines(), ElementsAre("environment: at routes[0].path[0]: not a pattern"));
}

TEST(Diagnostics, LinesOfOneSeverityAlone) {
  using Severity = Diagnostics::Severity;
  Diagnostics diagnostics("sidegate.yaml");
  diagnostics.error({9, 1, "b"}, "no");
  diagnostics.warning({2, 1, "a"}, "careful");
  diagnostics.error({1, 1, "a"}, "not this either");
  EXPECT_THAT(diagnostics.lines(Severity::Error),
              ElementsAre("sidegate.yaml:1:1: at a: not this either", "sidegate.yaml:9:1: at b: no"));
  EXPECT_THAT(diagnostics.lines(Severity::Warning), ElementsAre("sidegate.yaml:2:1: at a: warning: careful"));
  EXPECT_THAT(Diagnostics("other.yaml").lines(Severity::Warning), IsEmpty());
}

TEST(Diagnostics, AMessageAboutATextShowsNothingThatAVariablePutThere) {
  Diagnostics diagnostics("sidegate.yaml");
  diagnostics.error_about({"/a", {2, 1, "routes[0].path"}}, "the path \"/a\" is wrong");
  diagnostics.error_about({"hunter2", {3, 1, "routes[1].path", true}}, "the path \"hunter2\" is wrong");
  EXPECT_FALSE(diagnostics.ok());
  EXPECT_THAT(diagnostics.lines(),
              ElementsAre("sidegate.yaml:2:1: at routes[0].path: the path \"/a\" is wrong",
                          "sidegate.yaml:3:1: at routes[1].path: this cannot be used with what a variable puts into "
                          "it, which is not shown here"));
}

TEST(Location, IsNoPartOfWhatAValueSays) {
  EXPECT_EQ((Location{1, 2, "a", false}), (Location{3, 4, "b", true}));
}

struct MeantCase {
  std::string given;
  std::string meant;  ///< empty where nothing is close
};

TEST(DidYouMean, NamesWhatIsClose) {
  const std::vector<std::string> known{"address", "mode", "tls", "forward_credential", "HS256"};
  const std::vector<MeantCase> cases{
      {"adress", "address"},
      {"adresse", "address"},
      {"forwad_credentials", "forward_credential"},
      {"ADDRESS", "address"},
      {"hs256", "HS256"},
      {"mod", "mode"},
      {"x", ""},
      {"tsl", ""},
      {"completely_other", ""},
      {"", ""},
  };
  for (const auto& [given, meant] : cases) {
    EXPECT_EQ(did_you_mean(given, known), meant.empty() ? "" : " (did you mean \"" + meant + "\"?)") << given;
  }
  EXPECT_EQ(did_you_mean("address", {}), "");
}

TEST(DidYouMean, TheClosestWins) {
  EXPECT_EQ(did_you_mean("stafff", {"stuff", "staff"}), " (did you mean \"staff\"?)");
}

}  // namespace
}  // namespace sidegate::config

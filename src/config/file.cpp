#include "file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

namespace sidegate::config {

base::OrMessage<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const auto reason = [] { return base::Message{std::generic_category().message(errno)}; };
  const auto close = [](std::FILE* file) { return std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rbe"), close);
  if (!file) return reason();
  // Unbuffered, so that no copy of a secret stays behind in a buffer of the library.
  std::setvbuf(file.get(), nullptr, _IONBF, 0);
  std::string content(bytes_max + 1, '\0');
  const std::size_t size = std::fread(content.data(), 1, content.size(), file.get());
  if (std::ferror(file.get()) != 0) return reason();
  if (size > bytes_max) return base::Message{fmt::format("it is larger than {} bytes", bytes_max)};
  content.resize(size);
  return base::OrMessage<std::string>(boost::system::in_place_value, std::move(content));
}

}  // namespace sidegate::config

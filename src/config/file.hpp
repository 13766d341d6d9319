#pragma once

#include <sidegate/base/result.hpp>

#include <cstddef>
#include <string>

namespace sidegate::config {

/// All of a file of at most `bytes_max`, or in words why not; the message does not name the file.
base::OrMessage<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace sidegate::config

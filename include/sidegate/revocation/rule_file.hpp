#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/revocation/rule.hpp>

#include <optional>
#include <string>
#include <vector>

namespace sidegate::revocation {

/// The rules of a file as they stand in it; nothing where there is no such file. The message does not name the file.
base::OrMessage<std::optional<std::vector<Rule>>> read_rules(const std::string& file);

}  // namespace sidegate::revocation

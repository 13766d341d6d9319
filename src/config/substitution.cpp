#include "substitution.hpp"

#include <sidegate/base/text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sidegate::config {
namespace {

bool is_variable_name(std::string_view name) {
  if (name.empty() || base::is_digit(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return base::is_alpha(c) || base::is_digit(c) || c == '_'; });
}

/// Replaces in one text, and says whether it may be used.
bool substitute_in(Node& node, const std::string& path, const Environment& environment, Diagnostics& diagnostics) {
  if (node.kind != Node::Kind::Text || node.text.find("${") == std::string::npos) return true;
  base::OrMessage<std::string> replaced = substitute(node.text, environment);
  if (!replaced) {
    diagnostics.error({node.line, node.column, path}, replaced.error().text);
    node.kind = Node::Kind::Broken;
    return false;
  }
  if (*replaced != node.text) node.written = std::exchange(node.text, *std::move(replaced));
  return true;
}

void substitute_below(Node& node, const std::string& path, const Environment& environment, Diagnostics& diagnostics) {
  if (node.kind == Node::Kind::List) {
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      substitute_below(node.items[i], item_path(path, i), environment, diagnostics);
    }
  } else if (node.kind == Node::Kind::Map) {
    for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
      Node& key = node.items[i];
      if (!substitute_in(key, path, environment, diagnostics)) continue;
      substitute_below(node.items[i + 1], child_path(path, key.text), environment, diagnostics);
    }
  } else {
    substitute_in(node, path, environment, diagnostics);
  }
}

}  // namespace

base::OrMessage<std::string> substitute(std::string_view text, const Environment& environment) {
  std::string out;
  while (!text.empty()) {
    if (text.starts_with("$${")) {
      out += "${";
      text.remove_prefix(3);
      continue;
    }
    if (!text.starts_with("${")) {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const auto end = text.find('}');
    if (end == std::string_view::npos) {
      return base::Message{"\"${\" without its \"}\"; a literal \"${\" is written \"$${\""};
    }
    const std::string_view inside = text.substr(2, end - 2);
    text.remove_prefix(end + 1);
    const auto separator = inside.find(":-");
    const std::string_view name = inside.substr(0, separator);
    if (!is_variable_name(name)) {
      // What stands there may be part of a secret, so it is not repeated.
      return base::Message{"between \"${\" and \"}\" goes NAME or NAME:-default; a literal \"${\" is written \"$${\""};
    }
    const std::optional<std::string> value = environment(name);
    if (separator != std::string_view::npos && (!value || value->empty())) {
      out += inside.substr(separator + 2);
    } else if (value) {
      out += *value;
    } else {
      return base::Message{fmt::format(
          "the environment variable {} is not set; set it, or give a default: ${{{}:-default}}", name, name)};
    }
  }
  return base::OrMessage<std::string>(boost::system::in_place_value, std::move(out));
}

void substitute_all(Node& node, const Environment& environment, Diagnostics& diagnostics) {
  substitute_below(node, std::string(), environment, diagnostics);
}

std::string escape_substitution(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) out += '$';
    out += text[i];
  }
  return out;
}

std::string child_path(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::string item_path(const std::string& path, std::size_t index) {
  return fmt::format("{}[{}]", path, index);
}

}  // namespace sidegate::config

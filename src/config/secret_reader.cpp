#include "secret_reader.hpp"

#include "block.hpp"
#include "file.hpp"

#include <fmt/format.h>

#include <utility>

namespace sidegate::config {
namespace {

constexpr std::string_view kForms = "a secret is {env: NAME}, {file: PATH} or a text";

std::optional<SecretReference> from_environment(const Cursor& cursor, SecretReference reference) {
  auto name = cursor.text();
  if (!name) return std::nullopt;
  auto value = cursor.context().environment(*name);
  if (!value || value->empty()) {
    cursor.error(fmt::format("the environment variable {} is {}", *name, value ? "empty" : "not set"));
    return std::nullopt;
  }
  reference.kind = SecretReference::Kind::Environment;
  reference.name = *std::move(name);
  reference.secret = base::Secret(*std::move(value));
  return reference;
}

std::optional<SecretReference> from_file(const Cursor& cursor, SecretReference reference, std::size_t bytes_max) {
  const auto name = cursor.text();
  if (!name) return std::nullopt;
  const auto path = cursor.context().folder / *name;
  auto content = read_file(path.string(), bytes_max);
  if (!content) {
    cursor.error(fmt::format("cannot read the file {}: {}", shown(*name), content.error().text));
    return std::nullopt;
  }
  if (content->ends_with('\n')) content->pop_back();
  if (content->empty()) {
    cursor.error(fmt::format("the file {} is empty", shown(*name)));
    return std::nullopt;
  }
  reference.kind = SecretReference::Kind::File;
  reference.name = path.lexically_normal().string();
  reference.secret = base::Secret(*std::move(content));
  return reference;
}

}  // namespace

std::string SecretReference::source() const {
  switch (kind) {
    case Kind::Environment:
      return "env " + name;
    case Kind::File:
      return "file " + name;
    case Kind::Plain:
      break;
  }
  return "text";
}

std::optional<SecretReference> read_secret(const Cursor& cursor) {
  SecretReference reference;
  reference.where = cursor.where();
  if (cursor.is_text()) {
    if (cursor.word().empty()) {
      cursor.error("the secret is empty");
      return std::nullopt;
    }
    if (cursor.word().starts_with('$')) {
      cursor.warning("the secret begins with \"$\" and is used as it stands; a variable is written {env: NAME}");
    }
    reference.secret = base::Secret(std::string(cursor.word()));
    return reference;
  }
  if (!cursor.is_map()) {
    cursor.error_unlike("a secret: {env: NAME}, {file: PATH} or a text");
    return std::nullopt;
  }
  Block block(cursor);
  const auto variable = block.find("env");
  const auto file = block.find("file");
  block.finish();
  if (variable.has_value() == file.has_value()) {
    cursor.error(std::string(kForms));
    return std::nullopt;
  }
  return variable ? from_environment(*variable, std::move(reference))
                  : from_file(*file, std::move(reference), kSecretBytesMax);
}

std::optional<SecretReference> read_key_file(const Cursor& cursor) {
  SecretReference reference;
  reference.where = cursor.where();
  return from_file(cursor, std::move(reference), kKeyFileBytesMax);
}

}  // namespace sidegate::config

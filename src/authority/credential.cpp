#include "credential.hpp"

#include "text_codec.hpp"

#include <initializer_list>
#include <string>
#include <utility>

namespace sidegate::authority {
namespace {

using base::Message;
using base::OrMessage;
using base::Secret;

/// Made in one piece, so that nothing is left behind where it was.
Secret concatenated(std::initializer_list<std::string_view> texts) {
  std::size_t size = 0;
  for (const auto text : texts) size += text.size();
  std::string all;
  all.reserve(size);
  for (const auto text : texts) all += text;
  return Secret(std::move(all));
}

}  // namespace

OrMessage<Secret> own_lines(const config::OwnCredential& credential) {
  using Kind = config::OwnCredential::Kind;
  const std::string_view secret = credential.secret.secret.reveal();
  if (credential.kind == Kind::None) return Secret();
  if (secret.empty()) return Message{"the credential is empty"};
  if (credential.kind == Kind::Basic) return basic_line(credential.name, secret);
  if (!is_visible(secret)) return Message{"the credential holds what no header can: a space, a line end or the like"};
  if (credential.kind == Kind::Bearer) return bearer_line("Authorization", secret);
  return concatenated({credential.name, ": ", secret, "\r\n"});
}

Secret basic_line(std::string_view user, std::string_view password) {
  const Secret pair = concatenated({user, ":", password});
  std::string line;
  line.reserve(32 + 2 * pair.size());
  line += "Authorization: Basic ";
  append_base64(line, pair.reveal());
  line += "\r\n";
  return Secret(std::move(line));
}

Secret bearer_line(std::string_view name, std::string_view token) {
  return concatenated({name, ": Bearer ", token, "\r\n"});
}

Secret cookie_line(std::string_view name, std::string_view token) {
  return concatenated({"Cookie: ", name, "=", token, "\r\n"});
}

Secret joined(const Secret& left, const Secret& right) {
  return concatenated({left.reveal(), right.reveal()});
}

}  // namespace sidegate::authority

#include "header_template.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/token/claims.hpp>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace sidegate::policy {
namespace {

using base::Reason;
using base::Result;

enum class InList : bool { No, Yes };

constexpr const char* kVisibleOnly =
    "the value of an injected header may hold visible ASCII characters and spaces only";

bool is_visible(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return code >= 0x20 && code <= 0x7E;
  });
}

/// The characters that stand in a field value for themselves, wherever they are.
constexpr auto kPlain = [] {
  std::array<bool, 256> table{};
  for (unsigned code = 0x21; code <= 0x7E; ++code) table[code] = code != '%' && code != ',';
  return table;
}();

/// Appends `text` as it may stand in a field value.
Result<void> append_encoded(std::string_view text, InList in_list, std::string& out) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return kPlain[static_cast<unsigned char>(c)]; })) {
    out += text;
    return {};
  }
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7F) return Reason::Malformed;
    const bool outer_space = c == ' ' && (i == 0 || i + 1 == text.size());
    const bool encode = code > 0x7E || c == '%' || outer_space || (c == ',' && in_list == InList::Yes);
    if (encode) {
      out += {'%', kDigits[code >> 4U], kDigits[code & 0x0FU]};
    } else {
      out += c;
    }
  }
  return {};
}

Result<void> append_number(const boost::json::value& value, std::string& out) {
  std::array<char, 32> text{};
  const auto end = text.data() + text.size();
  std::to_chars_result written{};
  if (value.is_int64()) {
    written = std::to_chars(text.data(), end, value.get_int64());
  } else if (value.is_uint64()) {
    written = std::to_chars(text.data(), end, value.get_uint64());
  } else {
    written = std::to_chars(text.data(), end, value.get_double());
  }
  out.append(text.data(), written.ptr);
  return {};
}

Result<void> append_value(const boost::json::value& value, InList in_list, std::string& out);

Result<void> append_array(const boost::json::array& items, std::string& out) {
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    if (const auto done = append_value(item, InList::Yes, out); !done) return done.error();
  }
  return {};
}

Result<void> append_value(const boost::json::value& value, InList in_list, std::string& out) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return {};
    case boost::json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      return {};
    case boost::json::kind::string:
      return append_encoded(value.get_string(), in_list, out);
    case boost::json::kind::array:
      // An array inside a list keeps its own text, so that the outer commas stay the only ones.
      if (in_list == InList::No) return append_array(value.get_array(), out);
      return append_encoded(boost::json::serialize(value), in_list, out);
    case boost::json::kind::object:
      return append_encoded(boost::json::serialize(value), in_list, out);
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_:
      return append_number(value, out);
  }
  return {};
}

/// Whether `item` is one of a list without blanks.
bool has_item(std::string_view list, std::string_view item) noexcept {
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    if (list.substr(0, end) == item) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

/// A role is a text, or an object of a system and a role, written `SYSTEM:ROLE`. Anything else is no role.
Result<void> append_role(const boost::json::value& role, std::string& out) {
  if (role.is_string()) return append_encoded(role.get_string(), InList::Yes, out);
  if (!role.is_object()) return {};
  const auto* const system = role.get_object().if_contains("system");
  const auto* const name = role.get_object().if_contains("role");
  if (system == nullptr || name == nullptr || !system->is_string() || !name->is_string()) return {};
  if (const auto done = append_encoded(system->get_string(), InList::Yes, out); !done) return done.error();
  out += ':';
  return append_encoded(name->get_string(), InList::Yes, out);
}

/// Appends the roles in `roles` to the list that begins at `list_begin`; with `once`, only those that are not there
/// yet.
Result<void> append_roles(const boost::json::value& roles, std::size_t list_begin, bool once, std::string& out) {
  const auto append = [&](const boost::json::value& role) -> Result<void> {
    const auto before = out.size();
    if (before > list_begin) out += ',';
    const auto separated = out.size();
    if (const auto done = append_role(role, out); !done) return done.error();
    const bool is_there = once && has_item(std::string_view(out).substr(list_begin, before - list_begin),
                                           std::string_view(out).substr(separated));
    if (out.size() == separated || is_there) out.resize(before);
    return {};
  };
  if (!roles.is_array()) return append(roles);
  for (const auto& role : roles.get_array()) {
    if (const auto done = append(role); !done) return done.error();
  }
  return {};
}

}  // namespace

base::OrMessage<HeaderTemplate> HeaderTemplate::compile(std::string_view text) {
  HeaderTemplate compiled;
  while (!text.empty()) {
    const auto open = std::min(text.find('{'), text.size());
    const auto literal = text.substr(0, open);
    if (!literal.empty()) {
      if (!is_visible(literal)) return base::Message{kVisibleOnly};
      if (literal.find('}') != std::string_view::npos) return base::Message{"a \"}\" without its \"{\""};
      compiled.pieces_.push_back({Source::Literal, std::string(literal), {}});
    }
    text.remove_prefix(open);
    if (text.empty()) break;
    const auto close = text.find('}');
    if (close == std::string_view::npos) return base::Message{"a \"{\" without its \"}\""};
    auto piece = compile_placeholder(text.substr(1, close - 1));
    if (!piece) return piece.error();
    compiled.needs_identity_ = true;
    compiled.pieces_.push_back(std::move(*piece));
    text.remove_prefix(close + 1);
  }
  return compiled;
}

base::OrMessage<HeaderTemplate::Piece> HeaderTemplate::compile_placeholder(std::string_view inside) {
  Piece piece;
  const auto bar = inside.find('|');
  const auto name = inside.substr(0, bar);
  if (bar != std::string_view::npos) piece.fallback = inside.substr(bar + 1);
  if (!is_visible(piece.fallback)) return base::Message{kVisibleOnly};
  if (name == "subject") {
    piece.source = Source::Subject;
  } else if (name == "roles") {
    piece.source = Source::Roles;
  } else if (name == "authenticator") {
    piece.source = Source::Authenticator;
  } else if (name.starts_with("claims.") && name.size() > 7) {
    piece.source = Source::Claim;
    piece.text = name.substr(7);
  } else if (name.starts_with("user.") && name.size() > 5) {
    piece.source = Source::User;
    piece.text = name.substr(5);
  } else {
    return base::Message{"{" + std::string(name) +
                         "} is no placeholder; there are {subject}, {roles}, {authenticator}, {claims.NAME} and "
                         "{user.NAME}, each with |DEFAULT if wanted"};
  }
  return piece;
}

Result<bool> HeaderTemplate::render(const Identity* identity, std::string& out) const {
  for (const Piece& piece : pieces_) {
    const auto before = out.size();
    Result<void> done{};
    switch (piece.source) {
      case Source::Literal:
        out += piece.text;
        continue;
      case Source::Subject:
        done = append_encoded(identity->subject, InList::No, out);
        break;
      case Source::Authenticator:
        done = append_encoded(identity->authenticator, InList::No, out);
        break;
      case Source::Roles:
        if (const auto* const roles = token::find_claim(*identity->claims, identity->roles_claim)) {
          done = append_roles(*roles, before, false, out);
        }
        if (!done) return done.error();
        if (identity->user == nullptr) break;
        if (const auto* const roles = identity->user->if_contains("roles")) {
          if (!append_roles(*roles, before, true, out)) return false;
        }
        break;
      case Source::Claim:
        if (const auto* const claim = token::find_claim(*identity->claims, piece.text)) {
          done = append_value(*claim, InList::No, out);
        }
        break;
      case Source::User:
        if (identity->user == nullptr) break;
        if (const auto* const known = token::find_claim(*identity->user, piece.text)) {
          if (!append_value(*known, InList::No, out)) return false;
        }
        break;
    }
    if (!done) return done.error();
    if (out.size() == before) {
      if (const auto filled = append_encoded(piece.fallback, InList::No, out); !filled) return filled.error();
    }
  }
  return true;
}

}  // namespace sidegate::policy

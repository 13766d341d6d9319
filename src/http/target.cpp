#include <sidegate/base/text.hpp>
#include <sidegate/http/framing.hpp>
#include <sidegate/http/target.hpp>

#include <algorithm>
#include <array>

namespace sidegate::http {
namespace {

using base::Reason;
using base::Result;

enum class PathByte : unsigned char { Refused, Plain, Slash, Dot, Percent, Semicolon };

/// RFC 3986 section 3.3: pchar, apart from what needs a closer look.
constexpr std::array<PathByte, 256> make_path_table() {
  std::array<PathByte, 256> table{};
  for (unsigned c = 0; c < 128; ++c) {
    const char letter = static_cast<char>(c);
    if (base::is_alpha(letter) || base::is_digit(letter)) table[c] = PathByte::Plain;
  }
  for (const char c : std::string_view("-_~!$&'()*+,=:@")) table[static_cast<unsigned char>(c)] = PathByte::Plain;
  table['/'] = PathByte::Slash;
  table['.'] = PathByte::Dot;
  table['%'] = PathByte::Percent;
  table[';'] = PathByte::Semicolon;
  return table;
}
constexpr auto kPathTable = make_path_table();

PathByte kind_of(char c) noexcept {
  return kPathTable[static_cast<unsigned char>(c)];
}

constexpr bool is_unreserved(char c) noexcept {
  return base::is_alpha(c) || base::is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/// Whether the path is canonical as it stands, which nearly every path is. A dot may only stand inside a segment.
bool is_canonical(std::string_view path) noexcept {
  char before = 0;
  for (const char c : path) {
    const PathByte kind = kind_of(c);
    if (kind == PathByte::Slash || kind == PathByte::Dot) {
      if (before == '/') return false;
    } else if (kind != PathByte::Plain) {
      return false;
    }
    before = c;
  }
  return true;
}

constexpr std::string_view kEncodedSlash = "%2F";
constexpr std::string_view kEncodedSemicolon = "%3B";

/// The byte behind a percent sign, or why it may not be there.
Result<char> decode_triplet(std::string_view triplet) noexcept {
  if (triplet.size() < 3) return Reason::BadPercentEncoding;
  const int high = base::hex_value(triplet[1]);
  const int low = base::hex_value(triplet[2]);
  if (high < 0 || low < 0) return Reason::BadPercentEncoding;
  const int code = high * 16 + low;
  if (code < 0x20 || code == 0x7F) return Reason::EncodedControl;
  const char decoded = static_cast<char>(code);
  if (decoded == '\\') return Reason::EncodedSlash;
  return decoded;
}

bool is_dot_segment(std::string_view segment) noexcept {
  return segment == "." || segment == "..";
}

/// Whether a segment would be, or be split into, a dot segment by an origin that decodes slashes first or drops
/// parameters: `..%2Fx`, `..;x`. Encoded or not, a semicolon may begin a parameter.
bool hides_dot_segment(std::string_view segment) noexcept {
  while (true) {
    const auto slash = segment.find(kEncodedSlash);
    const auto piece = segment.substr(0, slash);
    const auto parameters = std::min(piece.find(';'), piece.find(kEncodedSemicolon));
    if (is_dot_segment(piece.substr(0, parameters))) return true;
    if (slash == std::string_view::npos) return false;
    segment.remove_prefix(slash + kEncodedSlash.size());
  }
}

/// Undoes the encoding of unreserved characters, upper-cases the rest, refuses what may not stand in a path.
Result<void> normalise_characters(std::string_view path, std::string& out, CanonicalTarget& target) {
  out.clear();
  for (std::size_t i = 0; i < path.size(); ++i) {
    switch (kind_of(path[i])) {
      case PathByte::Refused:
        return Reason::BadTarget;
      case PathByte::Semicolon:
        target.has_path_parameters = true;
        out += path[i];
        break;
      case PathByte::Percent: {
        const auto decoded = decode_triplet(path.substr(i, 3));
        if (!decoded) return decoded.error();
        if (is_unreserved(*decoded)) {
          out += *decoded;
        } else {
          target.has_encoded_slash = target.has_encoded_slash || *decoded == '/';
          out += {'%', base::to_upper(path[i + 1]), base::to_upper(path[i + 2])};
        }
        i += 2;
        break;
      }
      default:
        out += path[i];
    }
  }
  return {};
}

/// RFC 3986 section 5.2.4 and the merging of slashes, in place. Unlike the RFC it refuses to climb above the root.
Result<void> resolve_segments(std::string& path) {
  std::size_t written = 0;  // path[0, written) is canonical and has no slash at its end
  std::size_t read = 0;
  bool ends_in_folder = false;
  while (read < path.size()) {
    const auto begin = read + 1;
    const auto end = std::min(path.find('/', begin), path.size());
    const auto segment = std::string_view(path).substr(begin, end - begin);
    ends_in_folder = segment.empty() || is_dot_segment(segment);
    if (segment == "..") {
      if (written == 0) return Reason::ClimbsAboveRoot;
      written = path.rfind('/', written - 1);
    } else if (!ends_in_folder) {
      if (hides_dot_segment(segment)) return Reason::HiddenDotSegment;
      path[written] = '/';
      std::copy(path.begin() + static_cast<std::ptrdiff_t>(begin), path.begin() + static_cast<std::ptrdiff_t>(end),
                path.begin() + static_cast<std::ptrdiff_t>(written) + 1);
      written += 1 + end - begin;
    }
    read = end;
  }
  path.resize(written);
  if (ends_in_folder || path.empty()) path += '/';
  return {};
}

/// The authority of an absolute-form target, taken off `target` (RFC 9112 section 3.2.2).
Result<std::string_view> take_authority(std::string_view& target) noexcept {
  const auto scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return Reason::BadTarget;
  const auto scheme = target.substr(0, scheme_end);
  if (!base::equals_ignoring_case(scheme, "http") && !base::equals_ignoring_case(scheme, "https")) {
    return Reason::BadTarget;
  }
  target.remove_prefix(scheme_end + 3);
  const auto end = std::min(target.find_first_of("/?"), target.size());
  const auto authority = target.substr(0, end);
  target.remove_prefix(end);
  if (!is_valid_host(authority)) return Reason::BadTarget;
  return authority;
}

bool is_query(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '#'; });
}

}  // namespace

Result<CanonicalTarget> canonicalise(std::string_view target, bool is_options, std::string& storage) {
  CanonicalTarget canonical;
  if (target == "*" && is_options) {
    canonical.path = target;
    return canonical;
  }
  if (!target.starts_with('/')) {
    const auto authority = take_authority(target);
    if (!authority) return authority.error();
    canonical.authority = *authority;
    canonical.rewritten = true;
  }
  const auto question = std::min(target.find('?'), target.size());
  const auto path = target.substr(0, question);
  canonical.query = target.substr(question);
  if (!is_query(canonical.query)) return Reason::BadTarget;
  if (!path.empty() && is_canonical(path)) {
    canonical.path = path;
    return canonical;
  }
  if (const auto done = normalise_characters(path, storage, canonical); !done) return done.error();
  if (const auto done = resolve_segments(storage); !done) return done.error();
  canonical.path = storage;
  canonical.rewritten = canonical.rewritten || storage != path;
  return canonical;
}

bool decodes_to(std::string_view segment, std::string_view literal) noexcept {
  std::size_t at = 0;
  for (const char expected : literal) {
    if (at >= segment.size()) return false;
    char actual = segment[at++];
    if (actual == '%' && at + 1 < segment.size()) {
      actual = static_cast<char>(base::hex_value(segment[at]) * 16 + base::hex_value(segment[at + 1]));
      at += 2;
    }
    if (actual != expected) return false;
  }
  return at == segment.size();
}

std::string percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool triplet =
        text[i] == '%' && i + 2 < text.size() && base::hex_value(text[i + 1]) >= 0 && base::hex_value(text[i + 2]) >= 0;
    if (triplet) {
      decoded += static_cast<char>(base::hex_value(text[i + 1]) * 16 + base::hex_value(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

}  // namespace sidegate::http

#include <sidegate/base/text.hpp>
#include <sidegate/http/header_filter.hpp>

#include <algorithm>
#include <array>
#include <functional>

namespace sidegate::http {
namespace {

/// A name longer than this is compared on the heap, which only an attacker makes happen.
constexpr std::size_t kUsualNameBytesMax = 64;

/// The characters of a plain name in lower case; zero for every other byte.
constexpr auto kPlainLower = [] {
  std::array<char, 256> table{};
  for (unsigned c = 0; c < 128; ++c) {
    const char letter = static_cast<char>(c);
    if (base::is_alpha(letter) || base::is_digit(letter) || letter == '-') table[c] = base::to_lower(letter);
  }
  return table;
}();

constexpr char plain_lower(char c) noexcept {
  return kPlainLower[static_cast<unsigned char>(c)];
}

constexpr char normalise(char c) noexcept {
  const char lower = plain_lower(c);
  return lower != 0 ? lower : '-';
}

/// What a caller may not say about itself. What a trusted peer may say is added anew from its fields.
constexpr std::array<std::string_view, 10> kForwardedPatterns{
    "Forwarded", "X-Forwarded-*", "X-Real-IP",      "X-Original-*",      "X-Rewrite-*",
    "Remote-*",  "Proxy",         "X-HTTP-Method*", "X-Method-Override", "X-Request-Id"};

/// Fields of one connection only.
constexpr std::array<std::string_view, 8> kConnectionNames{
    "Connection",         "Keep-Alive",         "TE", "Transfer-Encoding", "Upgrade", "Proxy-Connection",
    "Proxy-Authenticate", "Proxy-Authorization"};

bool is_plain(std::string_view name) noexcept {
  return std::all_of(name.begin(), name.end(), [](char c) { return plain_lower(c) != 0; });
}

}  // namespace

std::string normalise_field_name(std::string_view name) {
  std::string normalised(name);
  std::transform(normalised.begin(), normalised.end(), normalised.begin(), normalise);
  return normalised;
}

std::size_t HeaderFilter::Hash::operator()(std::string_view text) const noexcept {
  return std::hash<std::string_view>{}(text);
}

HeaderFilter::HeaderFilter() {
  for (const auto name : kConnectionNames) add_name(name);
  for (const auto pattern : kForwardedPatterns) add_pattern(pattern);
}

void HeaderFilter::add_name(std::string_view name) {
  auto normalised = normalise_field_name(name);
  if (normalised.empty()) return;
  first_letters_.set(static_cast<unsigned char>(normalised.front()));
  names_.insert(std::move(normalised));
}

void HeaderFilter::add_pattern(std::string_view pattern) {
  if (!pattern.ends_with('*')) return add_name(pattern);
  auto prefix = normalise_field_name(pattern.substr(0, pattern.size() - 1));
  if (prefix.empty()) {
    first_letters_.set();
  } else {
    first_letters_.set(static_cast<unsigned char>(prefix.front()));
  }
  prefixes_.push_back(std::move(prefix));
}

bool HeaderFilter::drops(const Field& field) const noexcept {
  const auto name = field.name;
  // Those that are known by name are plain, all of them.
  if (field.known == FieldName::Other && !is_plain(name)) return true;
  if (!first_letters_.test(static_cast<unsigned char>(normalise(name.front())))) return false;
  if (name.size() > kUsualNameBytesMax) return matches(normalise_field_name(name));
  std::array<char, kUsualNameBytesMax> buffer;
  std::transform(name.begin(), name.end(), buffer.begin(), normalise);
  return matches({buffer.data(), name.size()});
}

HeaderFilter::Cause HeaderFilter::cause_of(const Field& field) const {
  if (!drops(field)) return Cause::None;
  if (!is_plain(field.name)) return Cause::OddName;
  const bool of_connection = std::any_of(kConnectionNames.begin(), kConnectionNames.end(), [&](std::string_view name) {
    return base::equals_ignoring_case(name, field.name);
  });
  if (of_connection) return Cause::Connection;
  static const HeaderFilter built_in;
  return built_in.drops(field) ? Cause::Forwarding : Cause::Configured;
}

bool HeaderFilter::matches(std::string_view normalised) const noexcept {
  if (names_.contains(normalised)) return true;
  return std::any_of(prefixes_.begin(), prefixes_.end(),
                     [&](const std::string& prefix) { return normalised.starts_with(prefix); });
}

}  // namespace sidegate::http

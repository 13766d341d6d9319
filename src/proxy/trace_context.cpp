#include <sidegate/base/text.hpp>
#include <sidegate/proxy/trace_context.hpp>

#include <algorithm>

namespace sidegate::proxy {
namespace {

bool is_lower_hex(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return base::is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) noexcept {
  return text.find_first_not_of('0') == std::string_view::npos;
}

/// VERSION "-" TRACE-ID "-" PARENT-ID "-" FLAGS; a later version may have more behind another dash.
bool is_well_formed(std::string_view value) noexcept {
  if (value.size() < 55 || value[2] != '-' || value[35] != '-' || value[52] != '-') return false;
  const auto version = value.substr(0, 2);
  if (!is_lower_hex(version) || version == "ff") return false;
  if (value.size() > 55 && (version == "00" || value[55] != '-')) return false;
  const auto trace = value.substr(3, 32);
  const auto parent = value.substr(36, 16);
  return is_lower_hex(trace) && !is_zero(trace) && is_lower_hex(parent) && !is_zero(parent) &&
         is_lower_hex(value.substr(53, 2));
}

}  // namespace

std::string_view find_trace_id(const std::vector<http::Field>& fields) noexcept {
  const http::Field* found = nullptr;
  for (const http::Field& field : fields) {
    if (field.known != http::FieldName::Traceparent) continue;
    if (found != nullptr) return {};
    found = &field;
  }
  if (found == nullptr || !is_well_formed(found->value)) return {};
  return found->value.substr(3, 32);
}

}  // namespace sidegate::proxy

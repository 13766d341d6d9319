#include <sidegate/base/text.hpp>
#include <sidegate/web/message.hpp>

#include <algorithm>
#include <utility>

namespace sidegate::web {
namespace {

/// The weight that one item of an `Accept` field gives itself, 0 to 1000; 1000 where it says nothing that can be read.
int weight_of(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    const auto semicolon = parameters.find(';');
    const auto parameter = base::trim_blanks(parameters.substr(0, semicolon));
    if (parameter.size() > 2 && base::to_lower(parameter[0]) == 'q' && parameter[1] == '=') {
      const auto number = parameter.substr(2);
      if (number[0] == '1') return 1000;
      int weight = 0;
      int unit = 100;
      for (std::size_t i = 2; i < number.size() && i < 5 && base::is_digit(number[i]); ++i, unit /= 10) {
        weight += (number[i] - '0') * unit;
      }
      return weight;
    }
    if (semicolon == std::string_view::npos) break;
    parameters.remove_prefix(semicolon + 1);
  }
  return 1000;
}

/// How much the caller wants `type`: the weight of the most specific range that covers it.
int preference(std::string_view accept, std::string_view type) {
  const auto folder = type.substr(0, type.find('/') + 1);
  int best_specificity = 0;
  int weight = 0;
  base::for_each_list_item(accept, [&](std::string_view item) {
    const auto semicolon = item.find(';');
    const auto range = base::trim_blanks(item.substr(0, semicolon));
    int specificity = 0;
    if (base::equals_ignoring_case(range, type)) {
      specificity = 3;
    } else if (range.ends_with("/*") && base::equals_ignoring_case(range.substr(0, range.size() - 1), folder)) {
      specificity = 2;
    } else if (range == "*/*") {
      specificity = 1;
    }
    if (specificity <= best_specificity) return;
    best_specificity = specificity;
    weight = weight_of(semicolon == std::string_view::npos ? std::string_view{} : item.substr(semicolon + 1));
  });
  return weight;
}

}  // namespace

std::string_view Request::path() const noexcept {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view Request::query() const noexcept {
  const auto mark = target.find('?');
  return mark == std::string::npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
}

std::optional<std::string_view> Request::find(std::string_view name) const noexcept {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const Field& field) { return base::equals_ignoring_case(field.name, name); });
  if (found == fields.end()) return std::nullopt;
  return found->value;
}

std::size_t Request::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::count_if(
      fields.begin(), fields.end(), [&](const Field& field) { return base::equals_ignoring_case(field.name, name); }));
}

Response error_response(unsigned status, std::string_view words) {
  std::string body = R"({"error":")";
  base::append_json_escaped(body, words);
  body += "\"}";
  return {status, "application/json", std::move(body)};
}

bool prefers_html(std::optional<std::string_view> accept) {
  return accept && preference(*accept, "text/html") > preference(*accept, "application/json");
}

}  // namespace sidegate::web

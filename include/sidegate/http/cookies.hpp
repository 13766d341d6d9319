#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/base/text.hpp>
#include <sidegate/http/head.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::http {

/// Calls `visit(name, value, pair)` for each cookie of all `Cookie` fields (RFC 6265 section 4.2.1), surrounding blanks
/// trimmed. A piece without `=` is a cookie with an empty name. Linear in the bytes.
template <class Visit>
void for_each_cookie(const std::vector<Field>& fields, Visit visit) {
  for (const Field& field : fields) {
    if (field.known != FieldName::Cookie) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const auto end = rest.find(';');
      const auto pair = base::trim_blanks(rest.substr(0, end));
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos) {
        if (!pair.empty()) visit(std::string_view{}, pair, pair);
      } else {
        visit(base::trim_blanks(pair.substr(0, equals)), base::trim_blanks(pair.substr(equals + 1)), pair);
      }
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
}

/// Whether some server takes a cookie called `given` for the one called `name`: Python's strip blanks of every kind and
/// PHP makes `_` of `.`, blanks and `[`. Letter case counts everywhere.
bool is_cookie_twin(std::string_view given, std::string_view name) noexcept;

/// The value of the cookie `name`, compared exactly; nothing where it is absent or empty. AmbiguousCookie where it
/// stands there twice with different values or has a twin, QuotedCookie where it is quoted: servers read these
/// differently.
base::Result<std::optional<std::string_view>> find_cookie(const std::vector<Field>& fields, std::string_view name);

/// Appends one `Cookie` line with every cookie but those named and their twins, and with the pair `added` where that is
/// not empty; nothing where none is left. False, and nothing appended, where none of the named ones is there, so that
/// the caller's own lines can stay.
bool append_cookies_without(const std::vector<Field>& fields, const std::vector<std::string_view>& names,
                            std::string& out, std::string_view added = {});

}  // namespace sidegate::http

#pragma once

#include <sidegate/web/message.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>

/// The parts of a request that the demo's services read.
namespace sidegate::demo {

/// The fields of a form or a query (application/x-www-form-urlencoded); the first of a name stands.
std::map<std::string, std::string, std::less<>> parse_form(std::string_view text);

/// The value of the first cookie of exactly that name; an empty one is none.
std::optional<std::string_view> find_cookie(const web::Request& request, std::string_view name);

/// What follows `Bearer` in `Authorization`.
std::optional<std::string_view> find_bearer(const web::Request& request);

/// The media type of the body, without its parameters.
std::string_view media_type(const web::Request& request);

/// Whether a browser says that another site's page made it send this.
bool comes_from_another_site(const web::Request& request);

}  // namespace sidegate::demo

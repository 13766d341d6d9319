#pragma once

#include <sidegate/web/message.hpp>

#include <string>
#include <string_view>

namespace sidegate::demo {

/// The built-in upstream: answers every path and method with the request as it arrived, as a page or as JSON, whichever
/// the caller prefers. Credentials are shown shortened.
web::Response show_request(const web::Request& request);

/// The value of a field with what it holds of credentials cut to its first characters and `…`.
std::string without_credentials(std::string_view name, std::string_view value);

}  // namespace sidegate::demo

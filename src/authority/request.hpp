#pragma once

#include "url.hpp"

#include <sidegate/base/secret.hpp>

#include <string>
#include <string_view>

namespace sidegate::authority {

/// A request to somebody who is asked. What it carries may be secret.
struct Request {
  std::string_view method = "GET";
  Url url{};
  base::Secret fields{};            ///< further lines, each with its end
  std::string_view content_type{};  ///< empty: there is no body
  base::Secret body{};
};

/// Whether the connection is wanted for another request.
enum class Afterwards { Keep, Close };

/// The bytes that are sent (RFC 9112).
base::Secret bytes_of(const Request& request, Afterwards afterwards);

}  // namespace sidegate::authority

#pragma once

#include <sidegate/base/result.hpp>

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace sidegate::token {

/// What names the caller: the claim of that name (or path of names), a text or an integer; anything else names nobody,
/// and `.` or `..` would name somebody else once it stands in a path: MissingClaim. It is copied to `storage`, since it
/// outlives the claims.
base::Result<std::string_view> subject_of(const boost::json::object& claims, std::string_view claim,
                                          std::string& storage);

}  // namespace sidegate::token

#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/token/algorithm.hpp>

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace sidegate::token {

/// Signs `claims` as a token in compact form (RFC 7515 section 3.1) with the header {"alg", "typ": "JWT", "kid"}; `kid`
/// only where `key_id` is not empty. For commands, tests and the demo: it keeps nothing between calls.
base::OrMessage<std::string> sign_jwt(const boost::json::object& claims, Algorithm algorithm, std::string_view secret,
                                      std::string_view key_id = {});

/// The same for a header and a payload that are already bytes, whatever they are.
base::OrMessage<std::string> sign_jws(std::string_view header, std::string_view payload, Algorithm algorithm,
                                      std::string_view secret);

}  // namespace sidegate::token

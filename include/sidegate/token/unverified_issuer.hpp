#pragma once

#include <sidegate/token/json_reader.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace sidegate::token {

/// Reads who a token says that it is from (`iss`), before anything of it is verified: to choose the verifier, which
/// then checks the very same claim. It keeps its work space, so it belongs to one thread.
class UnverifiedIssuer {
 public:
  explicit UnverifiedIssuer(std::size_t token_bytes_max);

  /// Empty where it says nothing that can be read. The view lives in `room`, which gets the claims.
  std::string_view read(std::string_view token, boost::json::object& room);

 private:
  std::size_t token_bytes_max_;
  JsonReader reader_;
  std::vector<char> payload_;
};

}  // namespace sidegate::token

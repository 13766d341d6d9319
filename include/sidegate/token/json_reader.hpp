#pragma once

#include <sidegate/base/result.hpp>

#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>

#include <cstddef>
#include <memory>
#include <string_view>

namespace sidegate::token {

/// What a JSON text may cost.
struct JsonLimits {
  std::size_t bytes_max = std::size_t{1} << 20U;
  std::size_t members_max = 10'000;  ///< of all objects together
  std::size_t depth_max = 32;        ///< arrays and objects within each other
};

/// Reads JSON that somebody else wrote, in the one way that leaves no choice (RFC 8259): one object and nothing after
/// it, valid UTF-8, no member twice at any depth (names compared after their escapes are undone), no number of more
/// than 64 characters, within the limits.
///
/// It keeps its work space, so that reading allocates only the result once it is warm; so it belongs to one thread.
class JsonReader {
 public:
  explicit JsonReader(JsonLimits limits = {});
  ~JsonReader();
  JsonReader(JsonReader&&) noexcept;
  JsonReader& operator=(JsonReader&&) noexcept;

  /// The object that `text` is, made in `storage`; otherwise Malformed.
  base::Result<boost::json::object> read_object(std::string_view text, boost::json::storage_ptr storage = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidegate::token

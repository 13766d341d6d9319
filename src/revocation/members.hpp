#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::revocation {

/// Reads the members of an object that an operator wrote. The first mistake is kept, in words that name the member and
/// never what stands in it.
class Members {
 public:
  explicit Members(const boost::json::object& object) : object_(object) {}

  /// A text that is not empty.
  std::optional<std::string> text(std::string_view name, std::size_t bytes_max);
  /// RFC 3339 or a number of seconds since 1970.
  std::optional<base::UnixTime> time(std::string_view name);

  bool has(std::string_view name) const noexcept { return object_.contains(name); }
  void complain(std::string what);

  /// The first mistake, or the first member that nobody asked for.
  std::optional<base::Message> finish();

 private:
  const boost::json::value* find(std::string_view name);

  const boost::json::object& object_;
  std::vector<std::string_view> asked_;
  std::optional<base::Message> mistake_;
};

}  // namespace sidegate::revocation

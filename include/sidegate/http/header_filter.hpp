#pragma once

#include <sidegate/http/head.hpp>

#include <boost/unordered/unordered_flat_set.hpp>

#include <bitset>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::http {

/// Which of a caller's fields go no further. Compiled once from the configuration; one for all routes, since a name
/// that is injected on any route must not be forged on another.
///
/// WSGI, CGI and PHP servers make variables of names, in which `X_User_Id` and `X.User.Id` are the same as `X-User-Id`,
/// and some take `SCRIPT_NAME` for their own. So a name with anything but letters, digits and `-` goes no further at
/// all, and names of the configuration are compared without letter case and with every other character as `-`.
class HeaderFilter {
 public:
  /// Always drops the fields of the connection (RFC 9110 section 7.6.1), the X-Forwarded family and its kin.
  HeaderFilter();

  /// Drops `name` too.
  void add_name(std::string_view name);

  /// Drops `name`, or with a `*` at its end every name that begins with what stands before it.
  void add_pattern(std::string_view pattern);

  bool drops(const Field& field) const noexcept;

  /// Why a field is dropped, for people: a character in its name, a field of the connection, what a caller may not say
  /// about itself, or a name of the configuration. None where it is not dropped.
  enum class Cause { None, OddName, Connection, Forwarding, Configured };
  Cause cause_of(const Field& field) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept;
  };

  bool matches(std::string_view normalised) const noexcept;

  boost::unordered_flat_set<std::string, Hash, std::equal_to<>> names_;
  std::vector<std::string> prefixes_;
  std::bitset<128> first_letters_;  ///< what some name or prefix begins with: most fields are let through by this alone
};

/// Lower case, and `-` for what is no letter or digit.
std::string normalise_field_name(std::string_view name);

}  // namespace sidegate::http

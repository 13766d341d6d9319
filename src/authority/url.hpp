#pragma once

#include <sidegate/base/ip_address.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>

#include <string>
#include <string_view>

namespace sidegate::authority {

/// An absolute URL of http or https, taken apart. Without user and fragment.
struct Url {
  std::string text;         ///< as it was given
  bool encrypted = true;    ///< https
  config::Address address;  ///< with the scheme's port where the URL names none
  std::string target;       ///< path and query, in the form of RFC 9112 section 3.2.1

  /// As it may be shown: a query may hold what is nobody's business.
  std::string shown() const { return text.substr(0, text.find('?')); }
  /// The value of `Host` (RFC 9110 section 7.2).
  std::string host_field() const;
  /// `https://host:port`
  std::string place() const;

  bool at_same_place(const Url& other) const;
};

/// RFC 3986. No message shows what was found.
base::OrMessage<Url> parse_url(std::string_view text);

/// Where `location`, which may be relative, leads from `base` (RFC 9110 section 10.2.2).
base::OrMessage<Url> resolve(const Url& base, std::string_view location);

/// What whoever is on the way of plain http can do.
enum class Danger { KeysAreReplaced, TokensAreRead };

/// Whether somebody may be asked at `url`: by https, or where nobody is on the way; `allow_http` takes the risk.
base::OrMessage<void> check_scheme(const Url& url, bool allow_http, Danger danger = Danger::KeysAreReplaced);

/// Addresses where no issuer is, but much that answers whoever is on the same machine or wire: link-local ones, behind
/// which clouds keep their credentials, and those that are none.
base::OrMessage<void> check_address(const base::IpAddress& address);

}  // namespace sidegate::authority

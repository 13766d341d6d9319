#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/config/diagnostics.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::policy {

/// Whether two authenticators that read these look at the same place of a request.
bool is_same_place(const config::TokenSource& left, const config::TokenSource& right) noexcept;

/// Which of a route's authenticators a token is for, where several of them read the same place. One that looks like a
/// JSON Web Token is for the `jwt` whose `issuer` it names, found in one look-up however many there are; one of an
/// issuer that none of them names is for the first `jwt` that accepts any issuer, else for the first. An opaque one is
/// for the authenticator that has a service decide, which takes whatever it gets.
class IssuerDispatch {
 public:
  IssuerDispatch() = default;

  /// `authenticators` are places in the configuration. Two that would be told apart by nothing are an error where the
  /// route names them, since the second would never be asked.
  IssuerDispatch(const config::Config& config, const config::Route& route,
                 const std::vector<std::size_t>& authenticators, config::Diagnostics& diagnostics);

  /// Whether anybody has to look at the token that was found at `place`.
  bool has_choice(const config::TokenSource& place) const noexcept {
    return !places_.empty() && find(place) != nullptr;
  }

  /// The place in the configuration of the authenticator that the token is for. `place` is one that has a choice.
  std::size_t choose(const config::TokenSource& place, std::string_view issuer) const noexcept;
  /// The same for one that is opaque.
  std::size_t choose_opaque(const config::TokenSource& place) const noexcept;

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  /// A place that several authenticators read.
  struct Place {
    config::TokenSource source;
    boost::unordered_flat_map<std::string, std::size_t, Hash, std::equal_to<>> by_issuer;
    std::optional<std::size_t> any;     ///< the first `jwt` that accepts any issuer
    std::optional<std::size_t> first;   ///< the first reader of all
    std::optional<std::size_t> opaque;  ///< the first reader that takes whatever it gets
  };

  const Place* find(const config::TokenSource& source) const noexcept;

  std::vector<Place> places_;
};

}  // namespace sidegate::policy

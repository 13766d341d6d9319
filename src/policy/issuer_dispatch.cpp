#include "issuer_dispatch.hpp"

#include <sidegate/base/text.hpp>

#include <algorithm>

namespace sidegate::policy {
namespace {

using config::TokenSource;

bool reads(const config::Authenticator& authenticator, const TokenSource& place) {
  const auto& sources = authenticator.token();
  return std::any_of(sources.begin(), sources.end(),
                     [&](const TokenSource& each) { return is_same_place(each, place); });
}

std::string in_words(const TokenSource& place) {
  return (place.kind == TokenSource::Kind::Cookie ? "the cookie " : "the bearer token of ") + place.name;
}

}  // namespace

bool is_same_place(const TokenSource& left, const TokenSource& right) noexcept {
  if (left.kind != right.kind) return false;
  return left.kind == TokenSource::Kind::Cookie ? left.name == right.name
                                                : base::equals_ignoring_case(left.name, right.name);
}

IssuerDispatch::IssuerDispatch(const config::Config& config, const config::Route& route,
                               const std::vector<std::size_t>& authenticators, config::Diagnostics& diagnostics) {
  const auto report = [&](const TokenSource& place, std::size_t first, std::size_t second) {
    const bool takes_all = config.authenticators[first].kind != config::Authenticator::Kind::Jwt;
    const bool has_issuer = !config.authenticators[second].jwt.issuer.empty();
    const std::string text = "\"" + config.authenticators[second].name + "\" would never be asked: \"" +
                             config.authenticators[first].name + "\" before it reads " + in_words(place) +
                             " too, and " +
                             (takes_all    ? "takes whatever stands there"
                              : has_issuer ? "has the same issuer"
                                           : "neither names an issuer");
    const bool by_name = route.authenticate == config::Route::Authenticate::Required;
    by_name ? diagnostics.error(route.where, text) : diagnostics.warning(route.where, text);
  };
  for (const std::size_t index : authenticators) {
    for (const TokenSource& source : config.authenticators[index].token()) {
      if (find(source) != nullptr) continue;
      Place place{source, {}, {}, {}, {}};
      for (const std::size_t reader : authenticators) {
        if (!reads(config.authenticators[reader], source)) continue;
        if (!place.first) place.first = reader;
        const std::string& issuer = config.authenticators[reader].jwt.issuer;
        std::optional<std::size_t> earlier = place.opaque;
        if (earlier) {
          report(source, *earlier, reader);
          continue;
        }
        if (config.authenticators[reader].kind != config::Authenticator::Kind::Jwt) {
          place.opaque = reader;
        } else if (issuer.empty()) {
          earlier = place.any;
          if (!earlier) place.any = reader;
        } else if (const auto added = place.by_issuer.emplace(issuer, reader); !added.second) {
          earlier = added.first->second;
        }
        if (earlier) report(source, *earlier, reader);
      }
      places_.push_back(std::move(place));
    }
  }
  std::erase_if(places_, [](const Place& place) {
    return place.by_issuer.size() + (place.any ? 1 : 0) + (place.opaque ? 1 : 0) < 2;
  });
}

std::size_t IssuerDispatch::choose(const TokenSource& place, std::string_view issuer) const noexcept {
  const Place& readers = *find(place);
  const auto owner = readers.by_issuer.find(issuer);
  return owner != readers.by_issuer.end() ? owner->second : readers.any.value_or(*readers.first);
}

std::size_t IssuerDispatch::choose_opaque(const TokenSource& place) const noexcept {
  const Place& readers = *find(place);
  return readers.opaque.value_or(*readers.first);
}

const IssuerDispatch::Place* IssuerDispatch::find(const TokenSource& source) const noexcept {
  const auto found = std::find_if(places_.begin(), places_.end(),
                                  [&](const Place& place) { return is_same_place(place.source, source); });
  return found != places_.end() ? &*found : nullptr;
}

}  // namespace sidegate::policy

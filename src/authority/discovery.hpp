#pragma once

#include "url.hpp"

#include <string_view>

namespace sidegate::authority {

/// Where the metadata of an issuer stand (OpenID Connect Discovery 1.0 section 4).
base::OrMessage<Url> discovery_url(const config::Issuer& issuer);

/// Where its keys are, by its metadata. These must be of the issuer that was meant (section 4.3), and must not lead
/// from https to http.
base::OrMessage<Url> read_discovery(std::string_view document, const config::Issuer& issuer);

}  // namespace sidegate::authority

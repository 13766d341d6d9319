#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/token/key_material.hpp>

#include <string_view>

namespace sidegate::token {

/// The keys of a JWK Set (RFC 7517 section 5) that an issuer publishes for everybody: what it says now, be it that
/// there is no key which can be used. Left out with a warning are secrets, since everybody can sign with one that is
/// published. Of a pair whose private half is published too the public half is used, with a warning. The message says
/// why the text is no such set.
base::OrMessage<KeyFile> read_published_keys(std::string_view text);

}  // namespace sidegate::token

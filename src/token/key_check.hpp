#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/token/public_key.hpp>

namespace sidegate::token {

/// What kind of key this is, or why it is not to be used; what is public of it is looked at.
base::OrMessage<KeyKind> check_key(EVP_PKEY& key);

}  // namespace sidegate::token

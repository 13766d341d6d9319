#pragma once

#include "cursor.hpp"

#include <sidegate/config/config.hpp>

namespace sidegate::config {

/// An authenticator that has the Auth Service decide.
TokenService read_remote(const Cursor& cursor);

/// One that asks an introspection endpoint (RFC 7662).
TokenService read_introspection(const Cursor& cursor);

}  // namespace sidegate::config

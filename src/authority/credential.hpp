#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/base/secret.hpp>
#include <sidegate/config/config.hpp>

#include <string_view>

namespace sidegate::authority {

/// Field lines, each with its end, that say who asks. The message says why a header cannot hold it.
base::OrMessage<base::Secret> own_lines(const config::OwnCredential& credential);

/// `Authorization: Basic` (RFC 7617) for these two, as they are.
base::Secret basic_line(std::string_view user, std::string_view password);

/// `NAME: Bearer TOKEN` (RFC 6750 section 2.1).
base::Secret bearer_line(std::string_view name, std::string_view token);

/// `Cookie: NAME=TOKEN`
base::Secret cookie_line(std::string_view name, std::string_view token);

/// The lines one after the other.
base::Secret joined(const base::Secret& left, const base::Secret& right);

}  // namespace sidegate::authority

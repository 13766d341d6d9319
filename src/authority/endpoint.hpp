#pragma once

#include "url.hpp"

#include <sidegate/base/result.hpp>
#include <sidegate/base/secret.hpp>
#include <sidegate/config/config.hpp>

#include <string_view>

/// What all services that are asked have in common.
namespace sidegate::authority {

/// `text` as a URL that may be asked; the message says why not.
base::OrMessage<Url> endpoint_url(std::string_view text, const config::Endpoint& endpoint);

/// The field line that sends the caller's token along; of a form, or of nothing, there is none.
base::Secret token_line(const config::SendAs& send_as, std::string_view token);

/// Whether the token can stand where it is sent.
bool can_send(const config::SendAs& send_as, std::string_view token) noexcept;

/// The message says so where the caller's token and Sidegate's own credential would be in one header.
base::OrMessage<void> check_headers(const config::SendAs& send_as, const config::OwnCredential& credential);

}  // namespace sidegate::authority

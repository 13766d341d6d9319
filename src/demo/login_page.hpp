#pragma once

#include <sidegate/demo/demo.hpp>
#include <sidegate/web/message.hpp>

namespace sidegate::demo {

/// The form of the demo's Auth Service. It shows the credentials, which exist for this run only; with 401 it says that
/// the last ones were wrong.
web::Response login_page(const User& user, unsigned status = 200);

}  // namespace sidegate::demo

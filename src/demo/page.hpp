#pragma once

#include <sidegate/web/message.hpp>

#include <string>
#include <string_view>

/// The look of the demo's pages: one style, no scripts, nothing loaded from elsewhere.
namespace sidegate::demo {

/// `text` as the content of an element or of a quoted attribute.
std::string escape_html(std::string_view text);

/// A whole page. `title` is plain text; `content` is HTML, whose author has escaped what needs it.
web::Response page(unsigned status, std::string_view title, std::string_view content);

}  // namespace sidegate::demo

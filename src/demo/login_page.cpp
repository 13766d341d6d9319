#include "login_page.hpp"

#include "page.hpp"

namespace sidegate::demo {

web::Response login_page(const User& user, unsigned status) {
  const bool refused = status == 401;
  std::string content = R"(<main class="narrow">
<p class="brand">Sidegate demo · Auth Service</p>
<h1>Log in</h1>
)";
  if (refused) {
    content +=
        "<p class=\"error\" role=\"alert\" id=\"error\">That user name and password do not belong together.</p>\n";
  }
  content += "<p>This service made one user for this run:</p>\n<dl class=\"credentials\"><dt>User</dt><dd>" +
             escape_html(user.name) + "</dd><dt>Password</dt><dd>" + escape_html(user.password) + "</dd></dl>\n";
  const std::string described = refused ? " aria-describedby=\"error\"" : "";
  content += R"(<form class="login" method="post" action="/api/v1/users/login/">
<label for="username">User name</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus)" +
             described + R"(>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required)" +
             described + R"(>
<button type="submit">Log in</button>
</form>
<nav aria-label="Without logging in"><a href="/public/hello">The public page</a></nav>
</main>
)";
  return page(status, refused ? "Log in: not accepted" : "Log in", content);
}

}  // namespace sidegate::demo

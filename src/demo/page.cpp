#include "page.hpp"

namespace sidegate::demo {
namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --ink: #1c2430; --soft: #4c5869; --paper: #f3f5f8; --card: #fff; --line: #d5dbe3;
  --accent: #0b5cad; --on-accent: #fff; --mark: #e3f1e5; --mark-ink: #17592a; --alarm: #a4161a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf2; --soft: #a9b4c4; --paper: #12161d; --card: #1b212b;
  --line: #384252; --accent: #7db8f5; --on-accent: #0d1520; --mark: #1c3826; --mark-ink: #9fe0b3; --alarm: #ff9a94; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 1.5rem 2rem 2rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .75rem; }
main.narrow { max-width: 27rem; }
.brand { margin: 0; color: var(--soft); font-size: .875rem; letter-spacing: .04em; }
h1 { margin: .25rem 0 1rem; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
code, td, th[scope=row], .credentials { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
code { font-size: .95em; overflow-wrap: anywhere; }
a { color: var(--accent); }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input { width: 100%; padding: .6rem .7rem; font: inherit; color: inherit; background: var(--paper);
  border: 1px solid var(--soft); border-radius: .4rem; }
button { padding: .6rem 1.2rem; font: inherit; font-weight: 600; color: var(--on-accent); background: var(--accent);
  border: 0; border-radius: .4rem; cursor: pointer; }
form.login button { width: 100%; margin-top: 1.5rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.error { padding: .6rem .8rem; color: var(--alarm); border: 1px solid var(--alarm); border-radius: .4rem; }
.credentials { display: grid; grid-template-columns: auto 1fr; gap: .15rem 1rem; margin: 0; padding: .8rem 1rem;
  background: var(--paper); border-radius: .4rem; }
.credentials dt { color: var(--soft); } .credentials dd { margin: 0; user-select: all; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
caption { padding: 0 0 .5rem; text-align: left; color: var(--soft); }
th, td { padding: .4rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th[scope=row] { width: 35%; font-weight: 400; } td, th[scope=row] { overflow-wrap: anywhere; }
tr.identity { background: var(--mark); color: var(--mark-ink); } tr.identity th { font-weight: 700; }
.note { display: block; font: .8rem system-ui, sans-serif; }
nav { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem 1.25rem; margin-top: 1.5rem; }
nav form { margin: 0; }
iframe { width: 100%; height: 11rem; border: 1px solid var(--line); border-radius: .4rem; background: #fff; }
)css";

/// Even a header that slipped through unescaped could run no script, load nothing and send nothing elsewhere. Pages of
/// the demo may show each other.
constexpr std::string_view kPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-src 'self'; base-uri 'none'; "
    "frame-ancestors 'self'";

}  // namespace

std::string escape_html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

web::Response page(unsigned status, std::string_view title, std::string_view content) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
  html += escape_html(title);
  html += " · Sidegate demo</title>\n<style>";
  html += kStyle;
  html += "</style>\n</head>\n<body>\n";
  html += content;
  html += "</body>\n</html>\n";
  return {status,
          "text/html; charset=utf-8",
          std::move(html),
          // `same-origin`: with `no-referrer` a browser would send `Origin: null` from our own forms.
          {{"Content-Security-Policy", std::string(kPolicy)}, {"Referrer-Policy", "same-origin"}}};
}

}  // namespace sidegate::demo

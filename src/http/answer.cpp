#include <sidegate/http/answer.hpp>

namespace sidegate::http {

std::string_view error_text(base::Reason reason) noexcept {
  using base::Reason;
  if (reason == Reason::Missing) return "Authentication required";
  if (reason == Reason::Unavailable) return "Auth service unavailable";
  switch (base::status_of(reason)) {
    case 400:
      return "Bad request";
    case 401:
      return "Invalid token";
    case 403:
      return "Insufficient permissions";
    case 404:
      return "No such route";
    case 405:
      return "Method not allowed";
    case 408:
      return "Request timeout";
    case 413:
      return "Request body too large";
    case 414:
      return "Request target too long";
    case 431:
      return "Request header fields too large";
    case 502:
      return "Bad gateway";
    case 503:
      return "Service unavailable";
    case 504:
      return "Gateway timeout";
    case 505:
      return "HTTP version not supported";
    default:
      return "Internal server error";
  }
}

std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 431:
      return "Request Header Fields Too Large";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Internal Server Error";
  }
}

void write_answer(const Answer& answer, std::string& out) {
  const auto body_bytes = answer.error.size() + std::string_view(R"({"error":""})").size();
  out += "HTTP/1.1 ";
  out += std::to_string(answer.status);
  out += ' ';
  out += reason_phrase(answer.status);
  out += "\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: ";
  out += std::to_string(body_bytes);
  out += "\r\nX-Request-Id: ";
  out += answer.request_id;
  out += "\r\n";
  out += answer.fields;
  if (!answer.keep_alive) {
    out += "Connection: close\r\n";
  } else if (answer.version == Version::Http10) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
  if (answer.head_only) return;
  out += R"({"error":")";
  out += answer.error;
  out += R"("})";
}

}  // namespace sidegate::http

#include "request.hpp"

#include <initializer_list>

namespace sidegate::authority {

base::Secret bytes_of(const Request& request, Afterwards afterwards) {
  const std::string host = request.url.host_field();
  const std::string length = std::to_string(request.body.size());
  std::string bytes;
  // So large that it does not move, and leaves nothing behind where it was.
  bytes.reserve(256 + request.url.target.size() + host.size() + request.fields.size() + request.body.size());
  const auto add = [&](std::initializer_list<std::string_view> texts) {
    for (const auto text : texts) bytes += text;
  };
  add({request.method, " ", request.url.target, " HTTP/1.1\r\nHost: ", host,
       "\r\nUser-Agent: sidegate\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n"});
  if (afterwards == Afterwards::Close) add({"Connection: close\r\n"});
  if (!request.content_type.empty()) {
    add({"Content-Type: ", request.content_type, "\r\nContent-Length: ", length, "\r\n"});
  }
  add({request.fields.reveal(), "\r\n", request.body.reveal()});
  return base::Secret(std::move(bytes));
}

}  // namespace sidegate::authority

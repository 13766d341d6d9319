#include <sidegate/base/text.hpp>
#include <sidegate/explain/query.hpp>
#include <sidegate/token/json_reader.hpp>

#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace sidegate::explain {
namespace {

namespace json = boost::json;
using base::Message;
using base::OrMessage;

constexpr std::array<std::string_view, 5> kMembers{"method", "url", "headers", "client_ip", "listener"};

/// What an absolute URL asks for, and of whom.
struct SplitUrl {
  std::string_view host;
  std::string target;
};

OrMessage<SplitUrl> split(std::string_view url) {
  const auto scheme_end = url.find("://");
  const auto scheme = url.substr(0, scheme_end);
  const bool is_absolute = scheme_end != std::string_view::npos &&
                           (base::equals_ignoring_case(scheme, "http") || base::equals_ignoring_case(scheme, "https"));
  if (!is_absolute) return SplitUrl{"localhost", std::string(url)};
  url.remove_prefix(scheme_end + 3);
  url = url.substr(0, url.find('#'));  // no client sends it
  const auto host_end = std::min(url.find_first_of("/?"), url.size());
  const auto host = url.substr(0, host_end);
  if (host.find('@') != std::string_view::npos) {
    return Message{"the URL holds a name or a password; say it in a header: Authorization"};
  }
  std::string target(url.substr(host_end));
  if (!target.starts_with('/')) target.insert(0, "/");
  return SplitUrl{host, std::move(target)};
}

/// A line that ends early would be two, and the request another one than was asked about.
bool ends_early(std::string_view text) {
  return text.find("\r\n") != std::string_view::npos;
}

/// Why a line cannot be a field of a head; empty where it can, which does not mean that it is a good one.
std::string_view fault_of(std::string_view line) {
  if (line.find(':') == std::string_view::npos) return "is no \"Name: value\"";
  return ends_early(line) ? "holds a line break" : std::string_view{};
}

bool names(std::string_view line, std::string_view name) {
  return base::equals_ignoring_case(line.substr(0, line.find(':')), name);
}

OrMessage<void> read_text(const json::object& object, std::string_view member, std::string& out) {
  const auto* const value = object.if_contains(member);
  if (value == nullptr) return {};
  if (!value->is_string()) return Message{"\"" + std::string(member) + "\" must be a text"};
  out = value->get_string();
  return {};
}

OrMessage<void> read_headers(const json::object& object, std::vector<std::string>& out) {
  const auto* const headers = object.if_contains("headers");
  if (headers == nullptr) return {};
  const Message wrong{"\"headers\" must be an object of names with a text, or a list of texts, each"};
  if (!headers->is_object()) return wrong;
  for (const auto& [name, value] : headers->get_object()) {
    const json::array one{value};
    for (const auto& each : value.is_array() ? value.get_array() : one) {
      if (!each.is_string()) return wrong;
      out.push_back(std::string(name) + ": " + std::string(each.get_string()));
    }
  }
  return {};
}

}  // namespace

OrMessage<Query> read_query(std::string_view text) {
  const auto object = token::JsonReader().read_object(text);
  if (!object) return Message{"the body must be one JSON object in which no member stands twice"};
  for (const auto& member : *object) {
    if (std::find(kMembers.begin(), kMembers.end(), std::string_view(member.key())) == kMembers.end()) {
      return Message{"there is a member that is none of \"method\", \"url\", \"headers\", \"client_ip\", \"listener\""};
    }
  }
  Query query;
  const std::array<std::pair<std::string_view, std::string*>, 4> texts{
      {{"method", &query.method}, {"url", &query.url}, {"client_ip", &query.client_ip}, {"listener", &query.listener}}};
  for (const auto& [member, out] : texts) {
    if (const auto read = read_text(*object, member, *out); !read) return read.error();
  }
  if (const auto read = read_headers(*object, query.headers); !read) return read.error();
  for (const std::string_view member : {"method", "url"}) {
    if (!object->contains(member)) return Message{"\"" + std::string(member) + "\" is required"};
  }
  return query;
}

OrMessage<std::string> request_head(const Query& query) {
  if (ends_early(query.method)) return Message{"the method holds a line break"};
  if (ends_early(query.url)) return Message{"the URL holds a line break"};
  const auto url = split(query.url);
  if (!url) return url.error();
  std::string lines;
  bool names_host = false;
  bool is_framed = !query.body_bytes.has_value();
  for (std::size_t i = 0; i < query.headers.size(); ++i) {
    const std::string& line = query.headers[i];
    if (const auto fault = fault_of(line); !fault.empty()) {
      return Message{"header " + std::to_string(i + 1) + " " + std::string(fault)};
    }
    names_host = names_host || names(line, "host");
    is_framed = is_framed || names(line, "content-length") || names(line, "transfer-encoding");
    lines += line + "\r\n";
  }
  std::string head = query.method + ' ' + url->target + " HTTP/1.1\r\n";
  if (!names_host) head += "Host: " + std::string(url->host) + "\r\n";
  head += lines;
  if (!is_framed) head += "Content-Length: " + std::to_string(*query.body_bytes) + "\r\n";
  head += "\r\n";
  return {boost::system::in_place_value, std::move(head)};
}

}  // namespace sidegate::explain

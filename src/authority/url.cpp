#include "url.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/config/address.hpp>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <array>

namespace sidegate::authority {
namespace {

namespace urls = boost::urls;
using base::Message;
using base::OrMessage;

bool is_default_port(const Url& url) noexcept {
  return url.address.port == (url.encrypted ? 443 : 80);
}

}  // namespace

std::string Url::host_field() const {
  std::string field = address.text();
  if (is_default_port(*this)) field.resize(field.rfind(':'));
  return field;
}

std::string Url::place() const {
  return (encrypted ? "https://" : "http://") + host_field();
}

bool Url::at_same_place(const Url& other) const {
  return encrypted == other.encrypted && address.port == other.address.port &&
         base::equals_ignoring_case(address.host, other.address.host);
}

OrMessage<Url> parse_url(std::string_view text) {
  const auto parsed = urls::parse_uri({text.data(), text.size()});
  if (!parsed) return Message{"this is no well-formed URL"};
  if (parsed->has_fragment()) return Message{"a URL that is asked for has no fragment (#)"};
  auto parts = config::parse_http_url(text);
  if (!parts) return parts.error();
  Url url;
  url.text = text;
  url.encrypted = parts->encrypted;
  url.address = std::move(parts->address);
  url.target = parts->rest.starts_with('/') ? parts->rest : '/' + parts->rest;
  return {boost::system::in_place_value, std::move(url)};
}

OrMessage<Url> resolve(const Url& base, std::string_view location) {
  const auto reference = urls::parse_uri_reference({location.data(), location.size()});
  const auto from = urls::parse_uri(base.text);
  urls::url result;
  if (!reference || !from || !urls::resolve(*from, *reference, result)) return Message{"this is no well-formed URL"};
  result.remove_fragment();
  return parse_url({result.buffer().data(), result.buffer().size()});
}

OrMessage<void> check_scheme(const Url& url, bool allow_http, Danger danger) {
  if (url.encrypted || allow_http || config::is_local(url.address)) return {};
  const std::string what =
      danger == Danger::KeysAreReplaced ? "answer with keys of their own" : "read what is asked, and answer";
  return Message{"by plain http anybody on the way can " + what + "; https, or allow_http: true beside the URL"};
}

OrMessage<void> check_address(const base::IpAddress& address) {
  // The third and the fourth are how IPv6 says 169.254.0.0/16 (RFC 6052 section 2.1, RFC 3056 section 2); at the last
  // one cloud answers as it does at 169.254.169.254.
  static const std::array link_local{*base::IpRange::parse("169.254.0.0/16"), *base::IpRange::parse("fe80::/10"),
                                     *base::IpRange::parse("64:ff9b::a9fe:0/112"),
                                     *base::IpRange::parse("2002:a9fe::/32"), *base::IpRange::parse("fd00:ec2::/32")};
  static const std::array unspecified{*base::IpRange::parse("0.0.0.0/8"), *base::IpRange::parse("::")};
  const auto has_it = [&](const base::IpRange& range) { return range.contains(address); };
  if (std::any_of(link_local.begin(), link_local.end(), has_it)) {
    return Message{address.text() + " is a link-local address, where nobody is asked"};
  }
  if (std::any_of(unspecified.begin(), unspecified.end(), has_it)) {
    return Message{address.text() + " is no address of anybody"};
  }
  return {};
}

}  // namespace sidegate::authority

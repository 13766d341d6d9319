#pragma once

#include <sidegate/http/framing.hpp>
#include <sidegate/http/target.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include <cstdint>
#include <limits>
#include <string>

#include "head_reading.hpp"
#include "property.hpp"

namespace sidegate::fuzz {

/// What Boost.Beast reads in a request's head.
class BeastReading final : private boost::beast::http::basic_parser<true> {
  using Parser = boost::beast::http::basic_parser<true>;
  using View = boost::beast::string_view;
  using Error = boost::beast::error_code;

 public:
  explicit BeastReading(std::string_view bytes) {
    header_limit(std::numeric_limits<std::uint32_t>::max());
    body_limit(boost::none);
    eager(false);
    put(boost::asio::const_buffer(bytes.data(), bytes.size()), error_);
  }

  bool accepted() const { return is_header_done() && !error_; }
  std::string error() const { return error_ ? error_.message() : "not whole"; }
  const std::string& text() const { return text_; }
  std::string framing() const {
    if (chunked()) return "chunked";
    const auto length = content_length();
    return length ? std::to_string(*length) : "none";
  }

 private:
  void on_request_impl(boost::beast::http::verb, View method, View target, int version, Error&) override {
    text_ += std::string(method) + '\n' + std::string(target) + '\n' + std::to_string(version) + '\n';
  }
  void on_field_impl(boost::beast::http::field, View name, View value, Error&) override {
    text_ += base::lower_case(name) + ": " + std::string(value) + '\n';
  }
  void on_response_impl(int, View, int, Error&) override {}
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  std::size_t on_body_impl(View, Error&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, View, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View, Error&) override { return 0; }
  void on_finish_impl(Error&) override {}

  Error error_;
  std::string text_;
};

/// Where Sidegate accepts more than Beast does, besides the empty line before a request: a `Connection` or
/// `Proxy-Connection` field whose value is no list of tokens. Both are dropped, so that no origin sees them.
inline bool has_odd_connection(const http::RequestHead& head) {
  for (const http::Field& field : head.fields) {
    if (field.known != http::FieldName::Connection && field.known != http::FieldName::ProxyConnection) continue;
    const boost::beast::string_view value(field.value.data(), field.value.size());
    if (!boost::beast::http::validate_list(boost::beast::http::opt_token_list(value))) return true;
  }
  return false;
}

/// Every head that is accepted, Beast accepts as well and reads in the same way.
inline Defect differential_head(std::string_view input) {
  const RequestReading reading(input);
  if (!reading.whole()) return {};
  const http::RequestHead& head = reading.head();
  const auto facts = http::check_request(head);
  std::string storage;
  if (!facts || !http::canonicalise(head.target, head.known_method == http::Method::Options, storage)) return {};

  const BeastReading beast(head.bytes);
  if (!beast.accepted()) {
    return has_odd_connection(head) ? Defect{} : "Beast refuses it (" + beast.error() + "): " + reading.text();
  }
  const std::string version = head.version == http::Version::Http11 ? "11" : "10";
  const std::string text =
      std::string(head.method) + '\n' + std::string(head.target) + '\n' + version + '\n' + list_fields(head.fields);
  if (text != beast.text()) return differ("Beast reads something else", text, beast.text());
  std::string framing = "none";
  if (facts->framing.kind == http::Framing::Kind::Chunked) framing = "chunked";
  for (const http::Field& field : head.fields) {
    if (field.known == http::FieldName::ContentLength) framing = std::to_string(facts->framing.length);
  }
  return framing == beast.framing() ? Defect{} : differ("Beast frames it in another way", framing, beast.framing());
}

}  // namespace sidegate::fuzz

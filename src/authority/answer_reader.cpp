#include "answer_reader.hpp"

#include <sidegate/base/text.hpp>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <optional>
#include <utility>

namespace sidegate::authority {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using base::Message;
using base::OrMessage;
using Wiping = WipingAllocator<char>;
using Parser = http::response_parser<http::basic_string_body<char, std::char_traits<char>, Wiping>, Wiping>;
using Fields = http::basic_fields<Wiping>;

constexpr std::size_t kPieceBytesMax = std::size_t{16} * 1024;

Message explain(const boost::system::error_code& error, std::size_t body_bytes_max) {
  if (error == http::error::header_limit) return {"the head of the answer is larger than 16 KiB"};
  if (error == http::error::body_limit) {
    const std::size_t kib = body_bytes_max / 1024;
    return {"the answer is larger than " +
            (kib >= 1024 && kib % 1024 == 0 ? std::to_string(kib / 1024) + " MiB" : std::to_string(kib) + " KiB")};
  }
  if (error == http::error::partial_message) return {"the connection ended in the middle of the answer"};
  return {"the answer is no HTTP: " + error.message()};
}

bool is_interim(const Parser& parser) {
  const unsigned status = parser.get().result_int();
  return status >= 100 && status < 200 && status != 101;
}

std::string joined(const Fields& fields, http::field name) {
  std::string list;
  const auto [first, last] = fields.equal_range(name);
  for (auto each = first; each != last; ++each) {
    if (!list.empty()) list += ", ";
    list += std::string_view(each->value());
  }
  return list;
}

std::vector<WipedText> all(const Fields& fields, http::field name) {
  std::vector<WipedText> values;
  const auto [first, last] = fields.equal_range(name);
  for (auto each = first; each != last; ++each) values.emplace_back(std::string_view(each->value()));
  return values;
}

}  // namespace

OrMessage<void> check_coding(const HttpAnswer& answer) {
  bool is_plain = true;
  base::for_each_list_item(answer.content_encoding, [&](std::string_view coding) {
    is_plain = is_plain && base::equals_ignoring_case(coding, "identity");
  });
  if (!is_plain) return Message{"the answer is compressed, which was not asked for"};
  return {};
}

struct AnswerReader::State {
  std::size_t body_bytes_max;
  beast::basic_flat_buffer<Wiping> buffer{kPieceBytesMax};
  std::optional<Parser> parser{};
  std::size_t bytes = 0;

  explicit State(std::size_t most) : body_bytes_max(most) { begin(); }

  void begin() {
    parser.emplace();
    parser->header_limit(static_cast<std::uint32_t>(kHeadBytesMax));
    parser->body_limit(body_bytes_max);
    parser->eager(true);
  }

  Message explain(const boost::system::error_code& error) const { return authority::explain(error, body_bytes_max); }

  /// Parses what has come; true once the answer is whole.
  OrMessage<bool> parse() {
    while (buffer.size() > 0) {
      boost::system::error_code error;
      buffer.consume(parser->put(buffer.data(), error));
      if (error == http::error::need_more) return false;
      if (error) return explain(error);
      if (!parser->is_done()) continue;
      if (!is_interim(*parser)) return true;
      begin();
    }
    return parser->is_done();
  }
};

AnswerReader::AnswerReader(std::size_t body_bytes_max) : state_(std::make_unique<State>(body_bytes_max)) {}
AnswerReader::~AnswerReader() = default;

std::span<char> AnswerReader::space() {
  const auto room = state_->buffer.prepare(state_->buffer.max_size() - state_->buffer.size());
  return {static_cast<char*>(room.data()), room.size()};
}

OrMessage<bool> AnswerReader::take(std::size_t count) {
  state_->buffer.commit(count);
  state_->bytes += count;
  auto whole = state_->parse();
  if (!whole || *whole) return whole;
  // Beast takes complete lines out of the buffer, and counts only what is in it.
  const bool has_head = state_->parser->is_header_done();
  const bool is_full = state_->buffer.size() == state_->buffer.max_size();
  if (!has_head && (is_full || state_->bytes > kHeadBytesMax)) return state_->explain(http::error::header_limit);
  // With the framing of chunks, however small they are.
  if (is_full || state_->bytes > kHeadBytesMax + 2 * state_->body_bytes_max)
    return state_->explain(http::error::body_limit);
  return false;
}

OrMessage<void> AnswerReader::end() {
  boost::system::error_code error;
  if (state_->parser->is_header_done()) {
    state_->parser->put_eof(error);
  } else {
    error = http::error::partial_message;
  }
  if (error) return state_->explain(error);
  return {};
}

bool AnswerReader::has_begun() const noexcept {
  return state_->bytes > 0;
}

bool AnswerReader::keeps_connection() const {
  return state_->parser->keep_alive() && state_->buffer.size() == 0;
}

HttpAnswer AnswerReader::answer() {
  auto message = state_->parser->release();
  HttpAnswer answer;
  answer.status = message.result_int();
  answer.cache_control = joined(message, http::field::cache_control);
  answer.age = std::string(message[http::field::age]);
  answer.location = std::string(message[http::field::location]);
  answer.content_type = std::string(message[http::field::content_type]);
  answer.content_encoding = joined(message, http::field::content_encoding);
  answer.set_cookies = all(message, http::field::set_cookie);
  answer.body = std::move(message.body());
  return answer;
}

}  // namespace sidegate::authority

#include "answer_reader.hpp"

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
using Parser = http::response_parser<http::string_body>;

constexpr std::size_t kPieceBytesMax = std::size_t{16} * 1024;

Message explain(const boost::system::error_code& error) {
  if (error == http::error::header_limit) return {"the head of the answer is larger than 16 KiB"};
  if (error == http::error::body_limit) return {"the answer is larger than 1 MiB"};
  if (error == http::error::partial_message) return {"the connection ended in the middle of the answer"};
  return {"the answer is no HTTP: " + error.message()};
}

bool is_interim(const Parser& parser) {
  const unsigned status = parser.get().result_int();
  return status >= 100 && status < 200 && status != 101;
}

std::string joined(const http::fields& fields, http::field name) {
  std::string list;
  const auto [first, last] = fields.equal_range(name);
  for (auto each = first; each != last; ++each) {
    if (!list.empty()) list += ", ";
    list += std::string_view(each->value());
  }
  return list;
}

}  // namespace

struct AnswerReader::State {
  beast::flat_buffer buffer{kPieceBytesMax};
  std::optional<Parser> parser{};
  std::size_t bytes = 0;

  State() { begin(); }

  void begin() {
    parser.emplace();
    parser->header_limit(static_cast<std::uint32_t>(kHeadBytesMax));
    parser->body_limit(kBodyBytesMax);
    parser->eager(true);
  }

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

AnswerReader::AnswerReader() : state_(std::make_unique<State>()) {}
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
  if (!has_head && (is_full || state_->bytes > kHeadBytesMax)) return explain(http::error::header_limit);
  if (is_full || state_->bytes > kBytesMax) return explain(http::error::body_limit);
  return false;
}

OrMessage<void> AnswerReader::end() {
  boost::system::error_code error;
  if (state_->parser->is_header_done()) {
    state_->parser->put_eof(error);
  } else {
    error = http::error::partial_message;
  }
  if (error) return explain(error);
  return {};
}

Answer AnswerReader::answer() {
  auto message = state_->parser->release();
  Answer answer;
  answer.status = message.result_int();
  answer.cache_control = joined(message, http::field::cache_control);
  answer.age = std::string(message[http::field::age]);
  answer.location = std::string(message[http::field::location]);
  answer.content_encoding = joined(message, http::field::content_encoding);
  answer.body = std::move(message.body());
  return answer;
}

}  // namespace sidegate::authority

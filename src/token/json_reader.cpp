#include <sidegate/token/json_reader.hpp>

#include <boost/json/array.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>

#include <cstdint>
#include <utility>

namespace sidegate::token {
namespace {

namespace json = boost::json;
using boost::system::error_code;

/// No number that means something is longer: a double has 17 digits that count, and its exponent three.
constexpr std::size_t kNumberBytesMax = 64;

/// What json::parser does, with the members counted on the way and the numbers measured.
struct Handler {
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  json::value_stack stack{};
  std::size_t members = 0;
  std::size_t members_max = 0;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(std::size_t size, error_code&) {
    stack.push_object(size);
    return true;
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t size, error_code&) {
    stack.push_array(size);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    stack.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code& error) {
    if (++members > members_max) {
      error = json::error::object_too_large;
      return false;
    }
    stack.push_key(part);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, error_code&) {
    stack.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, error_code&) {
    stack.push_string(part);
    return true;
  }
  bool on_number_part(json::string_view part, error_code& error) { return is_short(part, error); }
  bool on_int64(std::int64_t number, json::string_view text, error_code& error) {
    stack.push_int64(number);
    return is_short(text, error);
  }
  bool on_uint64(std::uint64_t number, json::string_view text, error_code& error) {
    stack.push_uint64(number);
    return is_short(text, error);
  }
  bool on_double(double number, json::string_view text, error_code& error) {
    stack.push_double(number);
    return is_short(text, error);
  }
  bool on_bool(bool truth, error_code&) {
    stack.push_bool(truth);
    return true;
  }
  bool on_null(error_code&) {
    stack.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

 private:
  static bool is_short(json::string_view number, error_code& error) {
    if (number.size() <= kNumberBytesMax) return true;
    error = json::error::exponent_overflow;
    return false;
  }
};

/// The recursion is as deep as `depth_max`, no more.
std::size_t count_members(const json::value& value) noexcept {
  std::size_t members = 0;
  if (const auto* const object = value.if_object()) {
    members = object->size();
    for (const auto& member : *object) members += count_members(member.value());
  } else if (const auto* const array = value.if_array()) {
    for (const auto& item : *array) members += count_members(item);
  }
  return members;
}

json::parse_options options_for(const JsonLimits& limits) {
  json::parse_options options;
  options.max_depth = limits.depth_max;
  return options;
}

}  // namespace

struct JsonReader::State {
  explicit State(const JsonLimits& given) : limits(given), parser(options_for(given)) {
    parser.handler().members_max = given.members_max;
  }

  JsonLimits limits;
  json::basic_parser<Handler> parser;
};

JsonReader::JsonReader(JsonLimits limits) : state_(std::make_unique<State>(limits)) {}
JsonReader::~JsonReader() = default;
JsonReader::JsonReader(JsonReader&&) noexcept = default;
JsonReader& JsonReader::operator=(JsonReader&&) noexcept = default;

base::Result<json::object> JsonReader::read_object(std::string_view text, json::storage_ptr storage) {
  if (text.size() > state_->limits.bytes_max) return base::Reason::Malformed;
  Handler& handler = state_->parser.handler();
  state_->parser.reset();
  handler.stack.reset(std::move(storage));
  handler.members = 0;
  error_code error;
  const std::size_t used = state_->parser.write_some(false, text.data(), text.size(), error);
  if (error || used != text.size()) {
    handler.stack.reset();  // lets go of what was made in the caller's storage
    return base::Reason::Malformed;
  }
  json::value value = handler.stack.release();
  // The parser keeps one of several members of the same name, so that fewer are left than were read.
  if (!value.is_object() || count_members(value) != handler.members) return base::Reason::Malformed;
  return std::move(value.get_object());
}

}  // namespace sidegate::token

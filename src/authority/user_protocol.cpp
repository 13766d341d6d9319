#include "user_protocol.hpp"

#include "credential.hpp"
#include "endpoint.hpp"
#include "json_text.hpp"
#include "text_codec.hpp"

#include <sidegate/token/subject.hpp>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/unordered/unordered_map.hpp>
#include <boost/unordered/unordered_set.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace sidegate::authority {
namespace {

namespace json = boost::json;
using base::Message;
using base::OrMessage;
using base::Reason;

constexpr std::string_view kPlaceholder = "{subject}";
/// Stands for any subject where the URL is looked at.
constexpr std::string_view kSample = "subject";

std::string replaced(std::string_view text, std::string_view by) {
  std::string result;
  while (true) {
    const auto at = text.find(kPlaceholder);
    result += text.substr(0, at);
    if (at == std::string_view::npos) return result;
    result += by;
    text.remove_prefix(at + kPlaceholder.size());
  }
}

/// The URL for one user with the placeholder in its path or query, where alone it can be.
OrMessage<Url> user_url(const config::Endpoint& endpoint) {
  const std::string& text = endpoint.url;
  const auto scheme = text.find("://");
  const auto path = scheme == std::string::npos ? scheme : text.find_first_of("/?#", scheme + 3);
  if (path == std::string::npos || text.find(kPlaceholder, path) == std::string::npos) {
    return Message{"the URL does not say where the subject stands: {subject} is missing in its path or query"};
  }
  if (text.find(kPlaceholder) < path) return Message{"{subject} stands before the path of the URL"};
  auto url = endpoint_url(replaced(text, kSample), endpoint);
  if (!url) return url;
  url->text = text;
  url->target = text.substr(path);
  if (!url->target.starts_with('/')) url->target.insert(0, 1, '/');
  return url;
}

template <class Number>
std::optional<json::value> canonical_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || std::to_string(number) != text) return std::nullopt;
  return json::value(number);
}

/// Services that number their users want numbers.
json::value id_of(std::string_view subject) {
  if (auto number = canonical_number<std::int64_t>(subject)) return *number;
  if (auto number = canonical_number<std::uint64_t>(subject)) return *number;
  return json::value(subject);
}

/// The list of users in an answer: itself, or under one of these names.
const json::array* users_in(const json::value& document) {
  if (const auto* const list = document.if_array()) return list;
  const auto* const object = document.if_object();
  if (object == nullptr) return nullptr;
  for (const auto* const name : {"users", "data", "results"}) {
    const json::value* const member = object->if_contains(name);
    if (member != nullptr && member->is_array()) return &member->get_array();
  }
  return nullptr;
}

/// Whether the list is one page of several, as some services page whatever they list.
bool is_partial(const json::value& document, const json::array& users) {
  const auto* const object = document.if_object();
  if (object == nullptr) return false;
  const json::value* const next = object->if_contains("next");
  if (next != nullptr && next->is_string() && !next->get_string().empty()) return true;
  const json::value* const count = object->if_contains("count");
  return count != nullptr && count->is_int64() && count->get_int64() > static_cast<std::int64_t>(users.size());
}

/// Who a user is: empty where the user says nothing of that, nothing where it says two things.
std::optional<std::string> id_in(const json::object& user) {
  std::string storage;
  std::string other_storage;
  const auto id = token::subject_of(user, "id", storage);
  const auto user_id = token::subject_of(user, "user_id", other_storage);
  if (id && user_id && *id != *user_id) return std::nullopt;
  if (!id && !user_id) return std::string();
  return std::string(id ? *id : *user_id);
}

/// A no that a purge of this subject finds.
std::shared_ptr<inquiry::Answer> no_such_user(const std::string& subject) {
  auto answer = no(Reason::Rejected);
  answer->subject = subject;
  answer->bytes += subject.size();
  return answer;
}

}  // namespace

OrMessage<UserProtocol> UserProtocol::create(const config::UserInfo& settings) {
  auto url = user_url(settings.endpoint);
  if (!url) return url.error();
  UserProtocol protocol(settings, std::move(*url));
  if (settings.send_as.kind == config::SendAs::Kind::Form)
    return Message{"`send_as`: a user is not asked for in a form"};
  if (!settings.batch_url.empty()) {
    auto batch = endpoint_url(settings.batch_url, settings.endpoint);
    if (!batch) return Message{"`batch_url`: " + batch.error().text};
    // With the callers' own tokens each lookup is a caller's own.
    if (settings.send_as.kind == config::SendAs::Kind::None) protocol.batch_url_.emplace(std::move(*batch));
  }
  if (const auto apart = check_headers(settings.send_as, settings.endpoint.credential); !apart) return apart.error();
  auto own = own_lines(settings.endpoint.credential);
  if (!own) return own.error();
  protocol.own_ = std::move(*own);
  return {boost::system::in_place_value, std::move(protocol)};
}

bool UserProtocol::can_send(std::string_view token) const noexcept {
  return authority::can_send(settings_.send_as, token);
}

Request UserProtocol::request(std::string_view subject, std::string_view token) const {
  std::string segment;
  append_segment(segment, subject);
  Request request{.url = url_};
  request.url.target = replaced(url_.target, segment);
  request.fields = joined(own_, token_line(settings_.send_as, token));
  return request;
}

Request UserProtocol::batch_request(const std::vector<std::string>& subjects) const {
  // Two authenticators may name two callers alike, who are one user here.
  boost::unordered_set<std::string_view> distinct(subjects.begin(), subjects.end());
  json::array ids;
  for (const auto& subject : subjects) {
    if (distinct.erase(subject) > 0) ids.push_back(id_of(subject));
  }
  const json::object body{{"user_ids", std::move(ids)}};
  return {.method = "POST",
          .url = *batch_url_,
          .fields = own_,
          .content_type = "application/json",
          .body = base::Secret(json::serialize(body))};
}

Reading UserProtocol::read(const HttpAnswer& answer, const std::string& subject) const {
  if (answer.status == 404) return no_such_user(subject);
  if (answer.status != 200 || !check_coding(answer)) return unexpected(answer);
  auto user = read_wrapped_object(answer.body);
  if (!user) return Message{"the answer is no JSON object, or has a member twice"};
  return yes(subject, std::move(*user));
}

std::vector<Reading> UserProtocol::read_batch(const HttpAnswer& answer,
                                              const std::vector<std::string>& subjects) const {
  const auto all = [&](const Message& why) { return std::vector<Reading>(subjects.size(), Reading(why)); };
  if (answer.status != 200 || !check_coding(answer)) return all(unexpected(answer));
  const auto document = read_json(answer.body);
  if (!document) return all({"the answer is no valid JSON, or has a member twice"});
  const auto* const users = users_in(*document);
  if (users == nullptr) return all({"the answer holds no list of users"});
  boost::unordered_map<std::string, const json::object*> by_id;
  for (const auto& each : *users) {
    const auto* const user = each.if_object();
    // As some services say that there is no such user.
    if (user == nullptr) continue;
    auto id = id_in(*user);
    if (!id) return all({"a user's \"id\" and \"user_id\" in the answer are not the same"});
    by_id.emplace(std::move(*id), user);
  }
  const bool partial = is_partial(*document, *users);
  std::vector<Reading> readings;
  for (const auto& subject : subjects) {
    const auto found = by_id.find(subject);
    if (found != by_id.end()) {
      readings.emplace_back(yes(subject, *found->second));
    } else if (partial) {
      readings.emplace_back(Message{"the answer is one page of several"});
    } else {
      readings.emplace_back(no_such_user(subject));
    }
  }
  return readings;
}

}  // namespace sidegate::authority

#include "reading.hpp"

#include "json_text.hpp"

#include <sidegate/base/time_text.hpp>
#include <sidegate/token/claims.hpp>
#include <sidegate/token/subject.hpp>
#include <sidegate/token/unverified_claims.hpp>

#include <boost/json/string.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace sidegate::authority {

using base::UnixTime;
using inquiry::Answer;

std::shared_ptr<Answer> no(base::Reason reason) {
  auto answer = std::make_shared<Answer>();
  answer->verdict = Answer::Verdict::No;
  answer->reason = reason;
  answer->bytes = sizeof(Answer);
  return answer;
}

std::shared_ptr<Answer> yes(std::string subject, boost::json::object claims) {
  auto answer = std::make_shared<Answer>();
  answer->verdict = Answer::Verdict::Yes;
  answer->reason = base::Reason::Accepted;
  answer->bytes = sizeof(Answer) + subject.capacity() + memory_of(claims);
  answer->subject = std::move(subject);
  answer->claims = std::make_shared<const boost::json::object>(std::move(claims));
  return answer;
}

std::shared_ptr<Answer> yes_between(token::Validity validity, UnixTime now, std::string subject,
                                    boost::json::object claims) {
  if (now < validity.from) return no(base::Reason::NotYetValid);
  if (now >= validity.until) return no(base::Reason::Expired);
  auto answer = yes(std::move(subject), std::move(claims));
  answer->valid_from = validity.from;
  answer->valid_until = validity.until;
  return answer;
}

bool read_subject(const boost::json::object& claims, const std::vector<std::string>& names, std::string& subject) {
  const auto is_there = [&](const std::string& name) { return find_member(claims, name) != nullptr; };
  const auto name = std::find_if(names.begin(), names.end(), is_there);
  return name != names.end() && token::subject_of(claims, *name, subject).has_value();
}

base::Message unexpected(const HttpAnswer& answer) {
  const auto plain = check_coding(answer);
  return plain ? base::Message{"answered " + std::to_string(answer.status)} : plain.error();
}

std::optional<UnixTime> read_moment(const boost::json::value& value) {
  if (const auto* const text = value.if_string()) {
    const auto moment = base::parse_time(*text);
    return moment ? std::optional(*moment) : std::nullopt;
  }
  const auto moment = token::read_numeric_date(value);
  return moment ? std::optional(*moment) : std::nullopt;
}

std::optional<UnixTime> own_expiry(std::string_view token) {
  boost::json::object claims;
  if (!token::has_jwt_form(token) || !token::UnverifiedClaims(token.size()).read(token, claims)) return std::nullopt;
  return token::date_in(claims, "exp");
}

}  // namespace sidegate::authority

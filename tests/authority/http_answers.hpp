#pragma once

#include "answer_reader.hpp"
#include "reading.hpp"

#include <sidegate/token/base64url.hpp>

#include <string>
#include <string_view>

/// Answers and tokens as the tests of protocols want them.
namespace sidegate::authority {

inline HttpAnswer http_answer(unsigned status, std::string_view body = {}, const std::string& type = {}) {
  HttpAnswer answer;
  answer.status = status;
  answer.content_type = type;
  answer.body = body;
  return answer;
}

inline HttpAnswer json_answer(std::string_view body, unsigned status = 200) {
  return http_answer(status, body, "application/json");
}

/// A token with these claims that nobody has signed.
inline std::string token_with(std::string_view claims) {
  std::string token;
  token::append_base64url(token, R"({"alg":"HS256"})");
  token += '.';
  token::append_base64url(token, claims);
  return token + ".c2ln";
}

/// `yes SUBJECT`, `no REASON`, or why nobody can tell.
inline std::string words_of(const Reading& reading) {
  if (!reading) return reading.error().text;
  const auto& answer = **reading;
  if (answer.verdict == inquiry::Answer::Verdict::Yes) return "yes " + answer.subject;
  return "no " + std::string(base::name_of(answer.reason));
}

}  // namespace sidegate::authority

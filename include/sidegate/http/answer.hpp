#pragma once

#include <sidegate/base/reason.hpp>
#include <sidegate/http/head.hpp>

#include <string>
#include <string_view>

namespace sidegate::http {

/// An answer that Sidegate makes itself: JSON, never cached.
struct Answer {
  unsigned status = 500;
  std::string_view error;   ///< of the body `{"error":"…"}`
  std::string_view fields;  ///< further lines with their CRLF: WWW-Authenticate, Allow, Retry-After
  bool keep_alive = false;
  bool head_only = false;  ///< the answer to HEAD: the fields of the body, without it
  Version version = Version::Http11;
  std::string_view request_id;
};

/// The words of the body for a refusal.
std::string_view error_text(base::Reason reason) noexcept;

/// The reason phrase of the status codes that Sidegate answers with.
std::string_view reason_phrase(unsigned status) noexcept;

/// Appends the whole message to `out`.
void write_answer(const Answer& answer, std::string& out);

}  // namespace sidegate::http

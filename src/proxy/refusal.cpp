#include <sidegate/proxy/refusal.hpp>

namespace sidegate::proxy {
namespace {

/// RFC 9110 section 15.5.6: a 405 says what would be allowed. CONNECT never is, anywhere.
constexpr std::string_view kAllowWithoutConnect = "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE, PATCH\r\n";

}  // namespace

void limit_body(policy::Decision& decision, std::uint64_t body_bytes) noexcept {
  if (decision.kind == policy::Decision::Kind::Refuse) return;
  const auto body_max = decision.route->max_body_bytes;
  if (!body_max || body_bytes <= *body_max) return;
  decision.kind = policy::Decision::Kind::Refuse;
  decision.reason = base::Reason::BodyTooLarge;
  decision.lines = {};
}

std::string_view refusal_lines(base::Reason reason, const policy::Decision* decision) noexcept {
  if (reason == base::Reason::ConnectMethod) return kAllowWithoutConnect;
  const bool decided = decision != nullptr && decision->kind == policy::Decision::Kind::Refuse;
  return decided ? decision->lines : std::string_view{};
}

}  // namespace sidegate::proxy

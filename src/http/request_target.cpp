#include <sidegate/base/text.hpp>
#include <sidegate/http/request_target.hpp>

namespace sidegate::http {

base::Result<CanonicalTarget> read_target(const RequestHead& head, RequestFacts& facts, std::string& storage) {
  auto target = canonicalise(head.target, head.known_method == Method::Options, storage);
  if (!target || target->authority.empty()) return target;
  if (facts.host.empty()) {
    facts.host = target->authority;
  } else if (!base::equals_ignoring_case(target->authority, facts.host)) {
    return base::Reason::TargetAuthorityMismatch;
  }
  return target;
}

}  // namespace sidegate::http

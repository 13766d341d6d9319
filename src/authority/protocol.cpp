#include "protocol.hpp"

#include <string>
#include <utility>

namespace sidegate::authority {
namespace {

using base::OrMessage;
using base::UnixTime;
using inquiry::Question;
using inquiry::Service;

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

std::vector<std::string> subjects_of(const Protocol::Questions& questions) {
  std::vector<std::string> subjects;
  for (const auto* const question : questions) subjects.push_back(question->subject);
  return subjects;
}

}  // namespace

OrMessage<Protocol> Protocol::create(const Service& service) {
  const auto wrapped = [](auto made) -> OrMessage<Protocol> {
    if (!made) return made.error();
    return Protocol(Kind(std::move(*made)));
  };
  switch (service.kind()) {
    case Service::Kind::Remote:
      return wrapped(RemoteProtocol::create(service.token_service()));
    case Service::Kind::Introspection:
      return wrapped(IntrospectionProtocol::create(service.token_service()));
    case Service::Kind::UserInfo:
      return wrapped(UserProtocol::create(service.user_info()));
    case Service::Kind::SessionRefresh:
      break;
  }
  return wrapped(SessionProtocol::create(service.session_refresh()));
}

bool Protocol::has_batches() const noexcept {
  const auto* const users = std::get_if<UserProtocol>(&kind_);
  return users != nullptr && users->has_batches();
}

bool Protocol::can_ask(const Question& question) const noexcept {
  const auto token = question.token.reveal();
  return std::visit(Overloaded{[](const IntrospectionProtocol&) { return true; },
                               [token](const auto& protocol) { return protocol.can_send(token); }},
                    kind_);
}

bool Protocol::refuses_all(const HttpAnswer& answer) noexcept {
  const unsigned status = answer.status;
  return status == 401 || status == 403 || status == 408 || status == 429;
}

OrMessage<Request> Protocol::request(const Question& question, UnixTime now) const {
  const auto token = question.token.reveal();
  return std::visit(Overloaded{[&](const IntrospectionProtocol& protocol) { return protocol.request(token, now); },
                               [&](const UserProtocol& protocol) -> OrMessage<Request> {
                                 return protocol.request(question.subject, token);
                               },
                               [&](const auto& protocol) -> OrMessage<Request> { return protocol.request(token); }},
                    kind_);
}

Reading Protocol::read(const HttpAnswer& answer, const Question& question, UnixTime now) const {
  const auto token = question.token.reveal();
  return std::visit(Overloaded{[&](const UserProtocol& protocol) { return protocol.read(answer, question.subject); },
                               [&](const SessionProtocol& protocol) { return protocol.read(answer, token); },
                               [&](const auto& protocol) { return protocol.read(answer, token, now); }},
                    kind_);
}

OrMessage<Request> Protocol::batch_request(const Questions& questions) const {
  return std::get<UserProtocol>(kind_).batch_request(subjects_of(questions));
}

std::vector<Reading> Protocol::read_batch(const HttpAnswer& answer, const Questions& questions) const {
  return std::get<UserProtocol>(kind_).read_batch(answer, subjects_of(questions));
}

}  // namespace sidegate::authority

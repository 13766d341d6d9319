#include <sidegate/revocation/request.hpp>
#include <sidegate/token/inspection.hpp>
#include <sidegate/token/json_reader.hpp>

#include <string>
#include <utility>

#include "members.hpp"

namespace sidegate::revocation {
namespace {

/// More than any token that is accepted.
constexpr std::size_t kTokenBytesMax = std::size_t{1024} * 1024;

/// A name, which is kept and logged, and so must not be a token that was put there by mistake.
std::optional<std::string> read_name(Members& members, std::string_view member) {
  auto name = members.text(member, kNameBytesMax);
  if (name && token::inspect(*name))
    members.complain("\"" + std::string(member) + "\" is a whole token; use \"token\"");
  return name;
}

}  // namespace

base::OrMessage<Request> read_request(std::string_view json, base::UnixTime now) {
  const auto object = token::JsonReader().read_object(json);
  if (!object) return base::Message{"the body is not a JSON object, or has a member twice"};
  Members members(*object);
  const int kinds = (members.has("jti") ? 1 : 0) + (members.has("subject") ? 1 : 0) + (members.has("token") ? 1 : 0);
  if (kinds != 1) members.complain("exactly one of \"jti\", \"subject\" and \"token\" must be there");
  if (members.has("issued_before") != members.has("subject")) {
    members.complain("\"subject\" and \"issued_before\" belong together");
  }
  Request request;
  request.authenticator = members.text("authenticator", kNameBytesMax);
  auto jti = read_name(members, "jti");
  auto subject = read_name(members, "subject");
  request.token = base::Secret(members.text("token", kTokenBytesMax).value_or(std::string()));
  request.issued_before = members.time("issued_before").value_or(base::UnixTime{});
  request.expires = members.time("expires");
  if (request.expires && *request.expires <= now) members.complain("\"expires\" must be later than now");
  if (auto mistake = members.finish()) return *std::move(mistake);
  request.kind = jti ? Rule::Kind::Jti : subject ? Rule::Kind::Subject : Rule::Kind::Token;
  request.name = jti ? *std::move(jti) : subject ? *std::move(subject) : std::string();
  return request;
}

}  // namespace sidegate::revocation

#include "purge_request.hpp"

#include <sidegate/token/json_reader.hpp>

#include <boost/json/object.hpp>

#include <string>

namespace sidegate::app {

base::OrMessage<authority::Authority::Purge> read_purge(std::string_view json) {
  const auto object = token::JsonReader().read_object(json);
  if (!object) return base::Message{"the body is not a JSON object, or has a member twice"};
  if (object->size() > 1) return base::Message{"at most one of \"subject\" and \"token\" can be given"};
  authority::Authority::Purge purge;
  for (const auto& member : *object) {
    const bool is_subject = member.key() == "subject";
    if (!is_subject && member.key() != "token") {
      return base::Message{"there are only the members \"subject\" and \"token\""};
    }
    const auto* const text = member.value().if_string();
    if (text == nullptr || text->empty()) {
      return base::Message{"\"" + std::string(member.key()) + "\": a text that is not empty is wanted"};
    }
    std::string value(*text);
    if (is_subject) {
      purge.subject = std::move(value);
    } else {
      purge.token = base::Secret(std::move(value));
    }
  }
  return purge;
}

}  // namespace sidegate::app

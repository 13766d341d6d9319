#include <sidegate/base/text.hpp>
#include <sidegate/explain/explanation.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <string_view>

namespace sidegate::explain {
namespace {

namespace json = boost::json;

/// What a caller sends need not be UTF-8, but JSON is.
json::string text_of(std::string_view text) {
  std::string quoted = "\"";
  base::append_json_escaped(quoted, text);
  return json::parse(quoted + '"').get_string();
}

std::string_view word_of(Step::Outcome outcome) {
  switch (outcome) {
    case Step::Outcome::Passed:
      return "passed";
    case Step::Outcome::Failed:
      return "failed";
    case Step::Outcome::NotMade:
      break;
  }
  return "not_made";
}

template <class Items, class Make>
json::array list_of(const Items& items, Make make) {
  json::array list;
  for (const auto& item : items) list.push_back(make(item));
  return list;
}

json::array steps_of(const std::vector<Step>& steps) {
  return list_of(steps, [](const Step& step) {
    return json::object{{"check", step.name}, {"outcome", word_of(step.outcome)}, {"detail", text_of(step.detail)}};
  });
}

json::array headers_of(const std::vector<Header>& headers) {
  return list_of(headers, [](const Header& header) {
    return json::object{{"name", text_of(header.name)}, {"value", text_of(header.value)}};
  });
}

json::array texts_of(const std::vector<std::string>& texts) {
  return list_of(texts, [](const std::string& text) { return text_of(text); });
}

json::object object_of(const Forwarding& forwarding) {
  return {{"upstream", forwarding.upstream},
          {"servers", texts_of(forwarding.servers)},
          {"path", text_of(forwarding.path)},
          {"host", text_of(forwarding.host)},
          {"removed", list_of(forwarding.removed,
                              [](const RemovedHeader& header) {
                                return json::object{{"name", text_of(header.name)}, {"cause", header.cause}};
                              })},
          {"injected", headers_of(forwarding.injected)},
          {"head", texts_of(forwarding.head)}};
}

json::object object_of(const Refusal& refusal) {
  return {{"status", refusal.status}, {"headers", headers_of(refusal.fields)}, {"body", refusal.body}};
}

json::object request_of(const Explanation& explanation) {
  json::object request{{"listener", explanation.listener}};
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) request[name] = text_of(value);
  };
  add("client_ip", explanation.client_ip);
  add("method", explanation.method);
  add("host", explanation.host);
  add("path", explanation.path);
  request["checks"] = steps_of(explanation.request);
  return request;
}

}  // namespace

std::string to_json(const Explanation& explanation) {
  json::object out{{"verdict", explanation.forwarded() ? "forward" : "refuse"}};
  if (explanation.refusal) {
    out["status"] = explanation.refusal->status;
    out["reason"] = base::name_of(explanation.refusal->reason);
  }
  out["request"] = request_of(explanation);
  out["routes"] = list_of(explanation.routes, [](const RouteLine& line) {
    return json::object{{"name", line.name}, {"matches", line.matches}, {"detail", text_of(line.detail)}};
  });
  if (!explanation.route.empty()) out["route"] = explanation.route;
  out["credentials"] = list_of(explanation.places, [](const PlaceLine& line) {
    return json::object{{"authenticator", line.authenticator},
                        {"place", line.place},
                        {"found", line.found},
                        {"decides", line.decides},
                        {"detail", line.detail}};
  });
  out["token"] = steps_of(explanation.token);
  if (const auto& caller = explanation.caller) {
    json::object& object = out["caller"].emplace_object();
    object = {{"authenticator", caller->authenticator}, {"subject", text_of(caller->subject)}};
    if (!caller->expires.empty()) object["expires"] = caller->expires;
  }
  out["rules"] = steps_of(explanation.rules);
  if (explanation.forwarding) out["forward"] = object_of(*explanation.forwarding);
  if (explanation.refusal) out["answer"] = object_of(*explanation.refusal);
  return json::serialize(out);
}

}  // namespace sidegate::explain

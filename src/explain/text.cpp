#include <sidegate/explain/explanation.hpp>

#include <algorithm>
#include <string_view>

#include "words.hpp"

namespace sidegate::explain {
namespace {

constexpr std::size_t kMarkWidth = 8;
constexpr std::size_t kNameWidth = 24;

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  out.resize(std::max(width, out.size() + 1), ' ');
  return out;
}

/// One line of a section: a mark, a name, and what there is to say.
void append_row(std::string& out, std::string_view mark, std::string_view name, std::string_view detail) {
  std::string row = "  " + padded(mark, kMarkWidth);
  row += detail.empty() ? std::string(name) : padded(name, kNameWidth) + std::string(detail);
  out += row + '\n';
}

void append_steps(std::string& out, std::string_view title, const std::vector<Step>& steps) {
  if (steps.empty()) return;
  out.append("\n").append(title) += '\n';
  for (const Step& step : steps) {
    switch (step.outcome) {
      case Step::Outcome::Passed:
        append_row(out, "ok", step.name, step.detail);
        break;
      case Step::Outcome::Failed:
        append_row(out, "FAILED", step.name, step.detail);
        break;
      case Step::Outcome::NotMade:
        append_row(out, "-", step.name, "not looked at");
        break;
    }
  }
}

void append_routes(std::string& out, const Explanation& explanation) {
  if (explanation.routes.empty()) return;
  out += "\nRoutes\n";
  for (const RouteLine& line : explanation.routes) {
    append_row(out, line.matches ? "yes" : "no", line.name, line.matches ? "the first that matches" : line.detail);
  }
}

void append_places(std::string& out, const Explanation& explanation) {
  if (explanation.places.empty()) return;
  out += "\nCredentials\n";
  for (const PlaceLine& line : explanation.places) {
    const std::string_view mark = line.found == "unreadable" ? "FAILED" : line.decides ? "found" : "-";
    append_row(out, mark, line.place, line.detail + " (" + line.authenticator + ")");
  }
}

void append_forwarding(std::string& out, const Forwarding& forwarding) {
  if (!forwarding.removed.empty()) out += "\nRemoved from the request\n";
  for (const RemovedHeader& header : forwarding.removed) {
    out += "  " + padded(header.name, kNameWidth) + header.cause + ": " + header.detail + '\n';
  }
  if (!forwarding.injected.empty()) out += "\nInjected\n";
  for (const Header& header : forwarding.injected) out += "  " + header.name + ": " + header.value + '\n';
  out += "\nForwarded to " + forwarding.upstream + " (" + joined(forwarding.servers) + ")\n";
  for (const std::string& line : forwarding.head) out += "  " + line + '\n';
}

void append_refusal(std::string& out, const Refusal& refusal) {
  out += "\nAnswered\n  " + std::to_string(refusal.status) + '\n';
  for (const Header& field : refusal.fields) out += "  " + field.name + ": " + field.value + '\n';
  if (!refusal.body.empty()) out += "  " + refusal.body + '\n';
}

}  // namespace

std::string to_text(const Explanation& explanation) {
  const bool is_readable = !explanation.path.empty();
  std::string out = is_readable ? explanation.method + ' ' + explanation.path + " of " + explanation.host : "A request";
  out += " on the listener " + explanation.listener;
  if (!explanation.client_ip.empty()) out += ", from " + explanation.client_ip;
  if (explanation.refusal) {
    const auto& refusal = *explanation.refusal;
    out += "\nwould be refused with " + std::to_string(refusal.status) + ": " +
           std::string(base::name_of(refusal.reason)) + '\n';
  } else {
    out += "\nwould be forwarded to " + explanation.forwarding->upstream + '\n';
  }
  append_steps(out, "Request", explanation.request);
  append_routes(out, explanation);
  append_places(out, explanation);
  append_steps(out, "Token", explanation.token);
  append_steps(out, "Rules", explanation.rules);
  if (explanation.forwarding) append_forwarding(out, *explanation.forwarding);
  if (explanation.refusal) append_refusal(out, *explanation.refusal);
  return out;
}

}  // namespace sidegate::explain

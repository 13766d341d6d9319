#include "directory.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>

namespace sidegate::demo {
namespace json = boost::json;

std::span<const Person> people() {
  static const std::array<Person, 5> everyone{{
      {1, "ada@example.com", "Ada", "Lovelace", "MA0002", {{"TTS", "Admin"}, {"TTS", "Technician"}}},
      {5, "grace@example.com", "Grace", "Hopper", "MA0003", {{"TTS", "Technician"}, {"HDTS", "Agent"}}},
      {12, "alan@example.com", "Alan", "Turing", "MA0004", {{"TTS", "Technician"}, {"AMS", "Admin"}}},
      {23, "katherine@example.com", "Katherine", "Johnson", "MA0005", {{"TTS", "Technician"}, {"BMS", "User"}}},
      {123, "user@example.com", "John", "Doe", "MA0001", {{"TTS", "Technician"}, {"AMS", "User"}}, false},
  }};
  return everyone;
}

const Person& demo_person() {
  return people().back();
}

const Person* find_person(std::int64_t id) {
  const auto everyone = people();
  const auto found =
      std::find_if(everyone.begin(), everyone.end(), [id](const Person& person) { return person.id == id; });
  return found == everyone.end() ? nullptr : &*found;
}

std::vector<std::int64_t> on_rota(std::string_view system, std::string_view role) {
  std::vector<std::int64_t> ids;
  for (const Person& person : people()) {
    const bool has_role = std::any_of(person.roles.begin(), person.roles.end(),
                                      [&](const Role& held) { return held.system == system && held.role == role; });
    if (person.on_rota && has_role) ids.push_back(person.id);
  }
  return ids;
}

json::object user_info(const Person& person) {
  json::array systems;
  json::array roles;
  for (const Role& held : person.roles) {
    const bool known = std::any_of(systems.begin(), systems.end(), [&](const json::value& system) {
      return std::string_view(system.as_string()) == held.system;
    });
    if (!known) systems.emplace_back(held.system);
    roles.push_back(json::object{{"system", held.system}, {"role", held.role}});
  }
  json::object info = employee_info(person);
  info["systems"] = std::move(systems);
  info["roles"] = std::move(roles);
  return info;
}

json::object employee_info(const Person& person) {
  return {{"id", person.id},
          {"email", person.email},
          {"first_name", person.first_name},
          {"last_name", person.last_name},
          {"company_id", person.company_id}};
}

}  // namespace sidegate::demo

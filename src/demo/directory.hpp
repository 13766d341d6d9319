#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

/// The people that the demo's Auth Service knows.
namespace sidegate::demo {

struct Role {
  std::string_view system;
  std::string_view role;
};

struct Person {
  std::int64_t id = 0;
  std::string_view email;
  std::string_view first_name;
  std::string_view last_name;
  std::string_view company_id;
  std::vector<Role> roles;
  bool on_rota = true;  ///< takes part in the distribution of tickets
};

/// Everyone, by ascending id.
std::span<const Person> people();

/// The person who logs in to the demo.
const Person& demo_person();

/// Nothing where nobody has that id.
const Person* find_person(std::int64_t id);

/// The ids of those on the rota who have `role` in `system`.
std::vector<std::int64_t> on_rota(std::string_view system, std::string_view role);

/// What the user-info endpoints answer.
boost::json::object user_info(const Person& person);

/// What the employees endpoint answers: no systems and no roles.
boost::json::object employee_info(const Person& person);

}  // namespace sidegate::demo

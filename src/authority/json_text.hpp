#pragma once

#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

/// JSON in the answers of services.
namespace sidegate::authority {

/// Any JSON text, as strictly as token::JsonReader reads one that is an object; nothing where it is none.
std::optional<boost::json::value> read_json(std::string_view text);

/// The same for an object, and what it holds under `data` in its place where that is an object: many services wrap
/// their answers up.
std::optional<boost::json::object> read_wrapped_object(std::string_view text, boost::json::storage_ptr storage = {});

/// Memory for what may hold a token: it is overwritten when it is given back.
boost::json::storage_ptr wiped_storage();

/// The text of the member; empty where it is missing, or no text.
std::string_view text_member(const boost::json::object& object, std::string_view name) noexcept;

/// The member, unless it is null.
const boost::json::value* find_member(const boost::json::object& object, std::string_view name) noexcept;

/// What it takes in memory, about.
std::size_t memory_of(const boost::json::object& object) noexcept;

}  // namespace sidegate::authority

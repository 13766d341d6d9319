#include "json_text.hpp"

#include "wiping_allocator.hpp"

#include <sidegate/token/claims.hpp>
#include <sidegate/token/json_reader.hpp>

#include <boost/json/array.hpp>
#include <boost/json/memory_resource.hpp>
#include <boost/json/string.hpp>

#include <openssl/crypto.h>

#include <new>
#include <utility>

namespace sidegate::authority {
namespace {

namespace json = boost::json;

constexpr std::string_view kWrapper = "value";

class WipedResource final : public json::memory_resource {
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    return ::operator new(size, std::align_val_t(alignment));
  }
  void do_deallocate(void* memory, std::size_t size, std::size_t alignment) override {
    OPENSSL_cleanse(memory, size);
    ::operator delete(memory, std::align_val_t(alignment));
  }
  bool do_is_equal(const json::memory_resource& other) const noexcept override { return this == &other; }
};

std::size_t memory_of(const json::value& value) noexcept {
  // The members of a value that is no text and no container stand in the value itself.
  if (const auto* const text = value.if_string()) return text->size();
  if (const auto* const object = value.if_object()) return authority::memory_of(*object);
  const auto* const array = value.if_array();
  if (array == nullptr) return 0;
  std::size_t bytes = array->size() * sizeof(json::value);
  for (const auto& item : *array) bytes += memory_of(item);
  return bytes;
}

}  // namespace

std::optional<json::value> read_json(std::string_view text) {
  // The reader takes objects alone. What closes this one early leaves it with other members.
  WipedText wrapped;
  wrapped.reserve(text.size() + kWrapper.size() + 8);
  wrapped.append("{\"").append(kWrapper).append("\":").append(text).append("}");
  token::JsonLimits limits;
  limits.bytes_max += wrapped.size() - text.size();
  ++limits.depth_max;
  auto object = token::JsonReader(limits).read_object(wrapped);
  if (!object || object->size() != 1) return std::nullopt;
  json::value* const value = object->if_contains(kWrapper);
  return value != nullptr ? std::optional(std::move(*value)) : std::nullopt;
}

json::storage_ptr wiped_storage() {
  return json::make_shared_resource<WipedResource>();
}

std::optional<json::object> read_wrapped_object(std::string_view text, json::storage_ptr storage) {
  auto read = token::JsonReader().read_object(text, std::move(storage));
  if (!read) return std::nullopt;
  json::value* const data = read->if_contains("data");
  if (data != nullptr && data->is_object()) return std::move(data->get_object());
  return std::move(*read);
}

const json::value* find_member(const json::object& object, std::string_view name) noexcept {
  const json::value* const found = token::find_claim(object, name);
  return found != nullptr && !found->is_null() ? found : nullptr;
}

std::string_view text_member(const json::object& object, std::string_view name) noexcept {
  const json::value* const member = object.if_contains(name);
  if (member == nullptr || !member->is_string()) return {};
  return member->get_string();
}

std::size_t memory_of(const json::object& object) noexcept {
  std::size_t bytes = object.size() * (sizeof(json::key_value_pair) + sizeof(std::size_t));
  for (const auto& member : object) bytes += member.key().size() + memory_of(member.value());
  return bytes;
}

}  // namespace sidegate::authority

#pragma once

#include <sidegate/base/reason.hpp>

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

namespace sidegate::base {

/// A value, or the reason why a request or token is refused. Allocates nothing.
template <class T>
using Result = boost::system::result<T, Reason>;

/// What went wrong, in words for a person: it names the thing, the place and the way out.
struct Message {
  std::string text;
};

/// A value, or a message for a person. For start-up and commands, never on the request path.
template <class T>
using OrMessage = boost::system::result<T, Message>;

/// Lets `Result<T>::value()` on a refusal throw; a use of it is a defect of ours, never an expected path. Boost finds
/// it beside the type of the error.
[[noreturn]] inline void throw_exception_from_error(Reason reason, const boost::source_location&) {
  throw std::logic_error("Result holds the reason " + std::string(name_of(reason)));
}

[[noreturn]] inline void throw_exception_from_error(const Message& message, const boost::source_location&) {
  throw std::logic_error("OrMessage holds an error: " + message.text);
}

}  // namespace sidegate::base

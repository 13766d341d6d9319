#pragma once

#include "name_threads.hpp"

#include <sidegate/authority/authority.hpp>

#include <chrono>

namespace sidegate::authority {

/// What tests have otherwise.
struct Authority::Options {
  std::chrono::milliseconds patience{5'000};  ///< for one question, whatever it takes
  LookUp look_up = &authority::look_up;
};

}  // namespace sidegate::authority

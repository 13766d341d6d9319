#pragma once

#include "name_threads.hpp"

#include <sidegate/authority/authority.hpp>

#include <chrono>

namespace sidegate::authority {

/// What tests have otherwise.
struct Authority::Options {
  std::chrono::milliseconds patience{5'000};  ///< for one question to an issuer, whatever it takes
  LookUp look_up = &authority::look_up;
  std::chrono::milliseconds idle_connections{30'000};  ///< to a service: kept unused for so long
};

}  // namespace sidegate::authority

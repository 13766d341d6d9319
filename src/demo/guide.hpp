#pragma once

#include <sidegate/demo/demo.hpp>

#include <cstdint>
#include <string>

/// What the demo tells the gateway and the person at the terminal.
namespace sidegate::demo {

/// The gateway's configuration as YAML.
std::string gateway_configuration(std::uint16_t gateway_port, std::uint16_t auth_port, std::uint16_t upstream_port);

/// The address to open and the commands to try.
std::string things_to_try(std::uint16_t gateway_port, const User& user, const std::string& api_key);

}  // namespace sidegate::demo

#pragma once

#include "block.hpp"

#include <sidegate/config/config.hpp>

#include <vector>

/// One reader for each part of the configuration; each gives what it could read, and reports the rest.
namespace sidegate::config {

void read_listeners(Block& top, Config& config);
void read_admin(Block& top, Config& config);
void read_health(Block& top, Config& config);

void read_startup_timeout(Block& top, Config& config);
void read_shutdown(Block& top, Config& config);
void read_limits(Block& top, Config& config);
void read_log(Block& top, Config& config);
void read_access_log(Block& top, Config& config);
void read_revocations(Block& top, Config& config);

void read_upstreams(Block& top, Config& config);
void read_authenticators(Block& top, Config& config);
void read_user_info(Block& top, Config& config);
void read_session_refresh(Block& top, Config& config);

std::vector<InjectedHeader> read_inject(const Cursor& cursor);
void read_strip(Block& top, Config& config);

/// After the authenticators: `authenticate: optional` means all of them.
void read_routes(Block& top, Config& config);

/// The pairs of a block whose keys are names that the user chose. At least one, at most `most`.
std::vector<NamedValue> read_names(const Cursor& cursor, std::size_t most);

/// What `name` must be like to serve as a name; reports at `where`.
void check_name(const std::string& name, const Location& where, Diagnostics& diagnostics);

/// Names that exist, addresses that are free, parts that are used: what only the whole configuration can tell.
void check_references(const Config& config, Diagnostics& diagnostics);

}  // namespace sidegate::config

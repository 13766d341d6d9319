#pragma once

#include <CLI/CLI.hpp>

namespace sidegate::app {

/// Adds `token mint`, `token inspect` and `token verify` to the command line.
///
/// Each runs while `app` parses and writes to `exit_status`, which outlives `app`: 0 done, 1 the token is refused or
/// cannot be read, 2 the words or the key file are wrong. Answers go to standard output, all else to standard error; a
/// token that was given stands in neither, apart from what `inspect` and `verify` are asked to show of it.
void add_token_commands(CLI::App& app, int& exit_status);

}  // namespace sidegate::app

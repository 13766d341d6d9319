#pragma once

#include <CLI/CLI.hpp>

namespace sidegate::app {

/// Adds `explain` to the command line.
///
/// It runs while `app` parses and writes to `exit_status`, which outlives `app`: 0 the request would be forwarded, 1 it
/// would be refused, 2 the words or the configuration are wrong. No message repeats a word that may hold a secret.
void add_explain_command(CLI::App& app, int& exit_status);

}  // namespace sidegate::app

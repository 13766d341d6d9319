#pragma once

namespace sidegate::app {

/// The program: reads the words of the command line and does what they say. Gives the exit status: 0 fine, 1 failed at
/// run time or the answer is no, 2 the words, the configuration or a key file are wrong.
int run_command_line(int argc, char** argv);

}  // namespace sidegate::app

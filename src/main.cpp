#include <sidegate/app/command_line.hpp>

int main(int argc, char** argv) {
  return sidegate::app::run_command_line(argc, argv);
}

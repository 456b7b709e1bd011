// aerodb: the command line. What each verb does stands in its own file; see verbs.h.
#include <cstdio>

#include "controlplane/console/verbs.h"

int main(int argc, char** argv) {
  aerodb::console::Output output(stdout, stderr, aerodb::console::detect_screen());
  return aerodb::console::make_command_line()->run(argc, argv, output);
}

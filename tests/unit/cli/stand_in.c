/* What main.c gives the rest of the command line. */
#include <cli/cli.h>

void cli_say(const char *format, ...) { (void)format; }
bool cli_stopped(void) { return false; }

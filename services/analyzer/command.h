/*
 * command: lurker-analyzer as a command: files, directories and standard input from its command
 * line in, records on standard output.
 */
#ifndef ANALYZER_COMMAND_H
#define ANALYZER_COMMAND_H

#include <stddef.h>

struct conf;

/* command_run: the exit code: 0; 1 when a file could not be read whole (said on standard error) or
 * --diff found differences; 2 when the file of --diff cannot be used. */
int command_run(const struct conf *c, const char *sensor, char *const *operands, size_t n);

#endif

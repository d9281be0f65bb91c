/*
 * follow_files: logptn -f: files as they grow.
 */
#ifndef LOGPTN_CMD_FOLLOW_FILES_H
#define LOGPTN_CMD_FOLLOW_FILES_H

#include <stdio.h>

#include "logptn/cmd/opts.h"

/* follow: reads the files (and standard input) until SIGINT, SIGTERM or, if there is nothing but
 * standard input, its end. Formats are printed as they appear, with -c log or ndjson each line; the
 * state is saved at the end and each FOLLOW_SAVE_S seconds. 0 or -errno. */
#define FOLLOW_SAVE_S 30
int follow(const struct opts *o, FILE *out);

#endif

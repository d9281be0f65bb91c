/*
 * opts: the options of the command logptn.
 */
#ifndef LOGPTN_CMD_OPTS_H
#define LOGPTN_CMD_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "logptn/lib/lines.h"

enum dumper {
	DUMP_TEXT,
	DUMP_JSON,
	DUMP_SJSON,
	DUMP_HEATMAP,
	DUMP_CSV,
	DUMP_REGEX,
	DUMP_GROK,
	DUMP_NDJSON
};

struct opts {
	const char *output;
	enum dumper dumper;
	bool log; /* -c log */
	bool compat;
	double threshold;
	const char *delimiters;
	bool regex; /* --enable-regex */
	bool follow;
	const char *state;
	bool only_new;
	uint64_t rare; /* 0: not asked for */
	bool by_time;
	bool progress;
	unsigned threads; /* 0: as many as the machine has processors */
	struct lines_rule rule;
	int nfiles;
	char **files;
};

/* opts_parse: 0 to go on, else the exit code + 1 (help and version: 1). Complaints go to stderr. */
int opts_parse(int argc, char **argv, struct opts *o);

#endif

#include "logptn/cmd/opts.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPT_REGEX = 256,
	OPT_COMPAT,
	OPT_MULTILINE,
	OPT_STATE,
	OPT_NEW,
	OPT_RARE,
	OPT_BY,
	OPT_THREADS,
	OPT_QUIET,
	OPT_VERSION
};

static const struct option options[] = {
	{"output", required_argument, NULL, 'o'},
	{"dumper", required_argument, NULL, 'd'},
	{"content", required_argument, NULL, 'c'},
	{"threshold", required_argument, NULL, 't'},
	{"delimiters", required_argument, NULL, 's'},
	{"enable-regex", no_argument, NULL, OPT_REGEX},
	{"compat", no_argument, NULL, OPT_COMPAT},
	{"follow", no_argument, NULL, 'f'},
	{"multiline", required_argument, NULL, OPT_MULTILINE},
	{"state", required_argument, NULL, OPT_STATE},
	{"new", no_argument, NULL, OPT_NEW},
	{"rare", required_argument, NULL, OPT_RARE},
	{"by", required_argument, NULL, OPT_BY},
	{"threads", required_argument, NULL, OPT_THREADS},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static const char *const dumpers[] = {"text",  "json", "sjson",  "heatmap", "csv",
				      "regex", "grok", "ndjson", NULL};

static const char help[] =
	"Usage: logptn [OPTION]... [FILE]...\n"
	"Finds the formats of log lines, that is, log templates: constant text with typed\n"
	"values. FILE may be compressed with gzip. Without FILE, or when FILE is -, reads\n"
	"standard input.\n"
	"\n"
	"Output\n"
	"  -d, --dumper=KIND     text (default), json, sjson, heatmap (an HTML page), csv,\n"
	"                        regex (PCRE), grok, ndjson (each line with its values)\n"
	"  -c, --content=WHAT    format (default), or log: each line, preceded by its format's id\n"
	"  -o, --output=FILE     write to FILE; default - (standard output)\n"
	"      --new             only formats never seen before\n"
	"      --rare=N          only formats with fewer than N lines\n"
	"      --by=lines|time   what the columns of the heatmap are ranges of (default lines)\n"
	"Input\n"
	"  -f, --follow          keep reading as files grow, are rotated or truncated\n"
	"      --multiline=HOW   auto (default), none, or an expression that starts a record\n"
	"      --state=FILE      load formats from FILE first, save them there at the end\n"
	"      --threads=N       number of threads; default: one per processor\n"
	"  -q, --quiet           no file names and no progress on standard error\n"
	"The original algorithm\n"
	"      --compat          compare lines chunk by chunk, in input order\n"
	"  -t, --threshold=T     least similarity of lines that are joined (default 0.7)\n"
	"  -s, --delimiters=SET  characters that separate chunks\n"
	"      --enable-regex    treat each date, time, e-mail or IPv4 address as one chunk\n"
	"  -t, -s and --enable-regex have an effect only with --compat; the default\n"
	"  algorithm has nothing to tune.\n"
	"  -h, --help, --version\n";

static int bad(const char *what, const char *value, const char *expected)
{
	fprintf(stderr, "logptn: %s: \"%s\": expected %s\n", what, value, expected);
	return 2;
}

static int choice(const char *const *list, const char *s)
{
	for (int i = 0; list[i]; i++)
		if (!strcmp(list[i], s))
			return i;
	return -1;
}

static int number(const char *s, uint64_t most, uint64_t *out)
{
	char *end;
	unsigned long long v = strtoull(s, &end, 10);

	if (*s < '0' || *s > '9' || *end || v > most)
		return -1;
	*out = v;
	return 0;
}

static int set(struct opts *o, int c, const char *v)
{
	char err[256], *end;
	uint64_t n;
	int k;

	switch (c) {
	case 'o':
		o->output = v;
		return 0;
	case 'd':
		k = choice(dumpers, v);
		if (k < 0)
			return bad("--dumper", v,
				   "text, json, sjson, heatmap, csv, regex, grok or ndjson");
		o->dumper = (enum dumper)k;
		return 0;
	case 'c':
		if (strcmp(v, "log") && strcmp(v, "format"))
			return bad("--content", v, "log or format");
		o->log = !strcmp(v, "log");
		return 0;
	case 't':
		o->threshold = strtod(v, &end);
		if (end == v || *end || !(o->threshold >= 0 && o->threshold <= 1))
			return bad("--threshold", v, "a number from 0 to 1");
		return 0;
	case 's':
		o->delimiters = v;
		return 0;
	case 'f':
		o->follow = true;
		return 0;
	case 'q':
	case OPT_QUIET:
		o->progress = false;
		return 0;
	case OPT_REGEX:
		o->regex = true;
		return 0;
	case OPT_COMPAT:
		o->compat = true;
		return 0;
	case OPT_MULTILINE:
		lines_rule_fini(&o->rule);
		if (lines_rule_set(&o->rule, v, err, sizeof err))
			return bad("--multiline", v, err);
		return 0;
	case OPT_STATE:
		o->state = v;
		return 0;
	case OPT_NEW:
		o->only_new = true;
		return 0;
	case OPT_RARE:
		if (number(v, UINT64_MAX, &o->rare) || !o->rare)
			return bad("--rare", v, "a number of lines");
		return 0;
	case OPT_BY:
		if (strcmp(v, "lines") && strcmp(v, "time"))
			return bad("--by", v, "lines or time");
		o->by_time = !strcmp(v, "time");
		return 0;
	case OPT_THREADS:
		if (number(v, 256, &n) || !n)
			return bad("--threads", v, "1 to 256");
		o->threads = (unsigned)n;
		return 0;
	case 'h':
		fputs(help, stdout);
		return 1;
	case OPT_VERSION:
		puts("logptn " LURKER_VERSION);
		return 1;
	default:
		fputs("Try 'logptn --help'.\n", stderr);
		return 2;
	}
}

static int check(const struct opts *o)
{
	if (o->compat && (o->follow || o->state || o->only_new || o->dumper == DUMP_NDJSON)) {
		fputs("logptn: --compat works on whole files: not with --follow, --state, --new or "
		      "ndjson\n",
		      stderr);
		return 2;
	}
	if (o->follow && o->dumper == DUMP_HEATMAP) {
		fputs("logptn: a heatmap needs the end of its input: not with --follow\n", stderr);
		return 2;
	}
	return 0;
}

int opts_parse(int argc, char **argv, struct opts *o)
{
	static char dash[] = "-", *stdin_only[] = {dash, NULL};
	int c, r;

	*o = (struct opts){.output = "-", .threshold = 0.7, .progress = true};
	while ((c = getopt_long(argc, argv, "o:d:c:t:s:fqh", options, NULL)) >= 0) {
		r = set(o, c, optarg);
		if (r)
			return r;
	}
	o->nfiles = argc - optind;
	o->files = argv + optind;
	if (!o->nfiles) {
		o->nfiles = 1;
		o->files = stdin_only;
	}
	return check(o);
}

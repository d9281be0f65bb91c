/*
 * opt: options declared once, as rows of a table.
 *
 * A row `idle_timeout_s` of the section `flowagg` is the YAML key flowagg.idle_timeout_s, the flag
 * --idle-timeout-s of lurker-flowagg and the variable LURKER_FLOWAGG_IDLE_TIMEOUT_S; rows of the
 * common section (name "") are top-level YAML keys, flags of every program and LURKER_KEY.
 * Precedence: flag, variable, file, default. Help, the configuration reference and `--print-config`
 * come from the rows.
 */
#ifndef RT_OPT_H
#define RT_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct opt_list {
	char **v;
	size_t n;
};

/* opt_list_add: appends a copy of text. 0, -ENOMEM, or -E2BIG for more than a configuration can
 * hold. */
int opt_list_add(struct opt_list *l, const char *text);
void opt_list_free(struct opt_list *l); /* empties it */

enum opt_type {
	OPT_BOOL,   /* bool */
	OPT_SWITCH, /* struct opt_switch: a bool, and whether a flag set it */
	OPT_INT,    /* int64_t, min..max */
	OPT_SIZE,   /* uint64_t bytes, min..max; accepts KiB MiB GiB (and K M G) */
	OPT_STR,    /* const char * */
	/* const char *: a directory; a relative one is made absolute when it is set: a service may
	 * not ask where it is once it is in its sandbox */
	OPT_DIR,
	OPT_LIST, /* struct opt_list; a repeatable flag, a YAML sequence, a comma-separated variable
		   */
	OPT_ENUM, /* int: index into choices */
};

struct opt_switch {
	bool on, by_flag;
};

struct opt {
	const char *name; /* key, with its unit: idle_timeout_s */
	char flag;        /* short flag or 0 */
	enum opt_type type;
	size_t offset;   /* of the value in the section's struct */
	const char *def; /* default as text; NULL: absent (0, NULL, empty) */
	int64_t min, max;
	const char *unit;           /* "s", "bytes", "packets", NULL */
	const char *help;           /* one sentence */
	const char *const *choices; /* OPT_ENUM: NULL-terminated */
};

/* A section: its name in the file, its rows up to one without a name (opts may be NULL: none), and
 * the struct that the values go to. */
struct opt_section {
	const char *name;
	const struct opt *opts;
	void *values;
};

/* opt_defaults: sets every value to its default. Asserts that the table's own defaults are valid.
 */
int opt_defaults(const struct opt_section *s, size_t nsections);

/* opt_load: reads a YAML file into the given sections. known lists every legal section name, so
 * that one file serves all services; sections that are known but not given are skipped. Errors
 * (unknown key or section, wrong type, out of range) go to err as "FILE:LINE: what is wrong and
 * what is expected". 0 or -errno. opt_load_memory does the same for bytes at hand (name stands for
 * FILE). */
int opt_load(const char *path, const struct opt_section *s, size_t nsections,
	     const char *const *known, char *err, size_t errlen);
int opt_load_memory(const char *name, const void *data, size_t n, const struct opt_section *s,
		    size_t nsections, const char *const *known, char *err, size_t errlen);

/* opt_env: takes the LURKER_… variables of the sections; an empty one counts as not set. Unknown
 * LURKER_ variables of a given section are errors too. */
int opt_env(const struct opt_section *s, size_t nsections, char **envp, char *err, size_t errlen);

/* opt_args: takes the flags out of argv; operands move to argv[1..] and *argc becomes their count
 * + 1. */
int opt_args(const struct opt_section *s, size_t nsections, int *argc, char **argv, char *err,
	     size_t errlen);

/* opt_set: one value from text, as a flag would set it. A flag's first value of a list replaces
 * what file or variable gave. */
int opt_set(const struct opt_section *s, const struct opt *o, const char *text, char *err,
	    size_t errlen);

/* opt_help: the flags, one a line, with unit, range and default; opt_help_row: one of them. */
void opt_help(const struct opt_section *s, size_t nsections, FILE *out);
void opt_help_row(const struct opt *o, FILE *out);
/* opt_print: the values in force as YAML, each with its help as a comment. */
void opt_print(const struct opt_section *s, size_t nsections, FILE *out);
void opt_fini(const struct opt_section *s, size_t nsections); /* frees what the values own */

#endif

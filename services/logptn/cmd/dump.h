/*
 * dump: the results of a run, in the form that was asked for.
 */
#ifndef LOGPTN_CMD_DUMP_H
#define LOGPTN_CMD_DUMP_H

#include <stdio.h>

#include "logptn/cmd/log_input.h"
#include "logptn/cmd/opts.h"
#include "logptn/lib/format/format.h"

/* dump_open: "-" is standard output. NULL after a complaint. */
FILE *dump_open(const char *path);
/* dump_close: flushes; 0 or -errno after a complaint. */
int dump_close(FILE *out, const char *path);

/* dump_formats: with the options' dumper. in: for the heatmap. 0 or -errno. */
int dump_formats(const struct opts *o, struct skels *t, const struct formats *f,
		 const struct input *in, size_t n, FILE *out);

/* dump_view: the view with the options' dumper, text for those that are not named in view.h; not
 * for the heatmap. grok: what --dumper=grok writes. 0 or -errno. */
struct view;
int dump_view(const struct opts *o, const struct view *v, enum regex_style grok, FILE *out);

/* dump_lines: each line of the inputs after its format's id, or as NDJSON with its values. */
int dump_lines(const struct opts *o, struct skels *t, const struct formats *f,
	       const struct input *in, size_t n, FILE *out);

/* dump_line: one line; skel is the skeleton it was counted under; continued: it continues a record,
 * so that it has no values of its own. */
void dump_line(const struct opts *o, const struct formats *f, uint32_t skel, bool continued,
	       const uint8_t *line, size_t n, const char *file, uint64_t number, FILE *out);

/* dump_wanted: --new and --rare. */
bool dump_wanted(const struct format *f, void *opts);

/* dump_compat: the whole of a --compat run. */
int dump_compat(const struct opts *o, const struct input *in, size_t n, FILE *out);

#endif

/*
 * logptn: log templates from log lines, as a library. logptn's formats are log templates: constant
 * text with typed values in it.
 *
 * 	struct logptn *l;
 * 	struct logptn_formats *f;
 *
 * 	logptn_new(&l);
 * 	while ((n = read(fd, block, sizeof block)) > 0)
 * 		logptn_feed(l, block, n);
 * 	logptn_end(l);
 * 	logptn_snapshot(l, &f);
 * 	for (size_t i = 0; i < logptn_count(f); i++) {
 * 		struct logptn_format m = logptn_format(f, i);
 * 		printf("%llu %s\n", (unsigned long long)m.lines, m.template);
 * 	}
 *
 * Functions that can fail return 0 or a negative errno value. A learner is used by one thread at a
 * time; several are fed by several threads and united with logptn_merge. A snapshot does not change
 * and may be read by any number of threads. The result depends on the multiset of lines only, while
 * no limit is hit (skel.h).
 *
 * The parts below this header (skel.h, format.h) are what the command and the service are made of;
 * they are for those who need counts per skeleton or their own output.
 */
#ifndef LOGPTN_LIB_LOGPTN_H
#define LOGPTN_LIB_LOGPTN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logptn;
struct logptn_formats;

int logptn_new(struct logptn **out);
void logptn_free(struct logptn **l);

/* logptn_multiline: which lines continue a record: "auto" (the default), "none", or an extended
 * regular expression that starts one. -EINVAL for a bad expression. */
int logptn_multiline(struct logptn *l, const char *how);

/* logptn_feed: counts the lines in n bytes. A line may be split over calls; of a line, 16 KiB are
 * looked at. -ENOMEM: some lines were not counted. */
int logptn_feed(struct logptn *l, const void *p, size_t n);

/* logptn_end: the input ends here: what was fed behind the last newline is a line. */
int logptn_end(struct logptn *l);

/* logptn_time: the time that the next lines came at, in ns since the epoch; for first and last. */
void logptn_time(struct logptn *l, uint64_t ns);

/* logptn_lines: lines counted so far. */
uint64_t logptn_lines(const struct logptn *l);

/* logptn_merge: adds what `from` has learned. Lines not yet ended in `from` are not in it. */
int logptn_merge(struct logptn *l, const struct logptn *from);

/* logptn_save: the state as bytes, *p to be freed by the caller. logptn_load: adds a state; nothing
 * in it is trusted. -EBADMSG: damaged; -EPROTONOSUPPORT: of another version; then l is as it
 * was. */
int logptn_save(const struct logptn *l, void **p, size_t *n);
int logptn_load(struct logptn *l, const void *p, size_t n);

/* logptn_snapshot: the formats of what l has counted, on their own: l may go on. The formats are
 * remembered in l as known, so that the next snapshot tells which are new. */
int logptn_snapshot(struct logptn *l, struct logptn_formats **out);
void logptn_formats_free(struct logptn_formats **f);

/* A piece of a format. Everything is borrowed from the snapshot. */
struct logptn_segment {
	const char *text; /* constant text, n bytes; NULL for a value */
	size_t n;
	/* Of a value: its type, with a number if the format has several: ip, number_2. */
	const char *name;
	bool header; /* part of the columns that most lines begin with */
};

struct logptn_format {
	const char *id;       /* 64 hexadecimal digits; the same wherever the message is the same */
	const char *template; /* with * for values */
	uint64_t lines, first_ns, last_ns;
	size_t segments;
	bool fresh; /* none of its lines was known to an earlier snapshot or state */
	size_t nwas;
};

/* Formats are in order of falling lines. */
size_t logptn_count(const struct logptn_formats *f);
struct logptn_format logptn_format(const struct logptn_formats *f, size_t i);
struct logptn_segment logptn_segment(const struct logptn_formats *f, size_t i, size_t segment);
/* logptn_was: an id that format i, or a part of it, had before. */
const char *logptn_was(const struct logptn_formats *f, size_t i, size_t k);
/* logptn_regex: a PCRE that matches every line of format i, with named groups; to be freed. NULL
 * out of memory. */
char *logptn_regex(const struct logptn_formats *f, size_t i);

/* Where in a line a value is. */
struct logptn_value {
	size_t segment, offset, n;
};

/* logptn_match: the format of a line (no newline), one that was fed or one like it, in *format, and
 * its values: *nvalues is the room in values and then how many there are. Of several formats the
 * most specific. -ENOENT: none; -ENOSPC: values has too little room (none are written). values may
 * be NULL with *nvalues 0. */
int logptn_match(const struct logptn_formats *f, const void *line, size_t n, size_t *format,
		 struct logptn_value *values, size_t *nvalues);

#endif

/*
 * skel: the table of skeletons with their counts, which is all that is remembered of the lines
 * read.
 *
 * It is the union of what each line adds, so it does not depend on the order of lines or on how
 * they were split among tables, as long as no limit is hit:
 *   - counts add up;
 *   - the samples of a skeleton are the lines with the smallest hashes (at most samples_of(number of skeletons));
 *   - a value's sets of types and characters are unions.
 * Memory is bounded: at `max` skeletons, those of one format become one (general.h); lines are
 * matched against these from then on. If that frees too little, what comes later is counted under a
 * coarse skeleton (its first word and one value), and in `coarse`.
 */
#ifndef LOGPTN_LIB_SKEL_H
#define LOGPTN_LIB_SKEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logptn/lib/token.h"

#define SKELS_MAX 32768u
#define SKELS_COARSE(m) \
	((m) / 32) /* on top of max m, for the coarse ones; and one for lines of no word */
#define SKEL_TEXT_MAX   (SHAPE_ROOM)
#define SAMPLE_TEXT_MAX 2048u
#define SKEL_NONE       UINT32_MAX

struct sample {
	uint64_t hash;
	uint64_t lines; /* how often exactly this line came */
	uint32_t len;   /* of text; the line itself may be longer, see cut */
	bool cut;
	uint8_t text[]; /* SHAPE_SLACK zeros behind it */
};

/* What is known of one value of a skeleton. */
struct slot {
	uint64_t chars;
	uint16_t types;
};

/* How many lines of a skeleton had a tag; tags beyond SKEL_TAGS are counted as others. */
#define SKEL_TAGS 16u
struct tag {
	uint32_t tag;
	uint64_t lines;
};
struct tags {
	struct tag v[SKEL_TAGS];
	uint32_t n;
	uint64_t other;
};

struct skel {
	uint64_t hash;              /* of text */
	uint64_t lines;             /* with continuation lines of records */
	uint64_t records;           /* lines that were looked at */
	uint64_t first_ns, last_ns; /* time of the first and last line; 0 when not given */
	uint64_t worst;             /* hash of the last sample */
	struct sample **sample;     /* ascending by hash */
	struct slot *slot;
	struct tags *tags; /* NULL: none were given */
	const uint8_t *text;
	uint32_t len, nslots;
	uint8_t nsamples;
	bool known; /* was there when the state was last saved or formats were last announced */
	char format[65]; /* id of the format it was in then */
};

struct skels {
	struct skel *v;
	uint32_t n, cap;
	uint32_t max;        /* SKELS_MAX, unless the caller sets less */
	uint32_t *tab, mask; /* by hash of text */
	struct alias *alias; /* by hash of shape: a cache */
	uint32_t aliases, amask;
	void *blocks;
	size_t block_used, block_cap;
	uint64_t lines, coarse; /* coarse: lines beyond max */
	uint64_t sample_bytes;
	uint64_t now_ns;         /* stamped on lines; set by the caller, 0 for none */
	struct general *general; /* patterns that stand for several skeletons; NULL: none */
	uint32_t generation;     /* grows when skeletons were replaced: indexes are others then */
	bool full;               /* making formats of skeletons no longer helps */
	bool failed;             /* out of memory: some lines were not counted */
};

int skels_init(struct skels *t);
void skels_fini(struct skels *t);

/* skels_add: counts a line (no newline; SHAPE_SLACK bytes readable behind it) and returns its
 * skeleton's index, or SKEL_NONE out of memory. */
uint32_t skels_add(struct skels *t, const uint8_t *line, size_t n);

/* skels_tag: notes that `lines` lines of a skeleton had this tag: a port, a host's number. */
void skels_tag(struct skels *t, uint32_t skel, uint32_t tag, uint64_t lines);

/* skels_more: counts a line that continues the record of this skeleton. */
void skels_more(struct skels *t, uint32_t skel);

/* skels_find: the skeleton that skels_add counted a line under, without counting; SKEL_NONE if
 * there is none. */
uint32_t skels_find(struct skels *t, const uint8_t *line, size_t n);

/* skels_peek: the same without the cache, so that threads may share the table. */
uint32_t skels_peek(const struct skels *t, const uint8_t *line, size_t n);

/* skels_text: the skeleton with exactly this text, or SKEL_NONE. */
uint32_t skels_text(const struct skels *t, const uint8_t *text, size_t len);

/* skels_put: the skeleton with this text (token.h), made if missing; for loading a state. slots has
 * one entry for each value in the text and is united with what is there. */
uint32_t skels_put(struct skels *t, const uint8_t *text, size_t len, const struct slot *slots,
		   uint32_t nslots);
/* skels_put_sample: offers a sample. */
void skels_put_sample(struct skels *t, uint32_t skel, uint64_t hash, uint64_t lines,
		      const uint8_t *line, size_t n, bool cut);

/* skels_take: adds counts, times, tags and samples of a skeleton of another table to skeleton k. */
void skels_take(struct skels *t, uint32_t k, const struct skel *s);

/* skels_union: adds all of `from`. */
void skels_union(struct skels *t, const struct skels *from);

#endif

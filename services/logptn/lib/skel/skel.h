/*
 * skel: the table of skeletons with their counts, which is all that is remembered of the lines
 * read.
 *
 * It is the union of what each line adds, so it does not depend on the order of lines or on how
 * they were split among tables, as long as no limit is hit:
 *   - counts add up;
 *   - the samples of a skeleton are the lines with the smallest hashes, at most 32, and fewer when
 *     there are many skeletons (skel_sample.c);
 *   - a value's sets of types and characters are unions.
 * Memory is bounded: what happens at `max` skeletons is told in intake.h, the way lines come in.
 * This file knows the table only.
 */
#ifndef LOGPTN_LIB_SKEL_SKEL_H
#define LOGPTN_LIB_SKEL_SKEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logptn/lib/arena.h"
#include "logptn/lib/line/token.h"
#include "logptn/lib/skel/shape_cache.h"
#include "logptn/lib/skel/skel_index.h"

#define SKELS_MAX 32768u
/* Coarse skeletons, on top of max m; and one for lines that begin with no word. */
#define SKELS_COARSE(m) ((m) / 32)
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
	struct shape_cache cache;
	struct arena texts;     /* and slots */
	uint64_t lines, coarse; /* coarse: lines beyond max */
	uint64_t sample_bytes;
	uint64_t now_ns;          /* stamped on lines; set by the caller, 0 for none */
	struct skel_index *index; /* the skeletons that stand for several; NULL: none do */
	uint32_t generation;      /* grows when skeletons were replaced: indexes are others then */
	bool full;   /* making one skeleton of those of a log template no longer helps */
	bool failed; /* out of memory: some lines were not counted */
};

/* skels_init: an empty table. 0 or -ENOMEM. */
int skels_init(struct skels *t);
void skels_fini(struct skels *t);

/* skels_find: the skeleton with exactly this text (token.h), or SKEL_NONE. */
uint32_t skels_find(const struct skels *t, const uint8_t *text, size_t len);

/* skels_find_hashed: the same when the hash of the text (shape_hash_any) is known. */
uint32_t skels_find_hashed(const struct skels *t, uint64_t hash, const uint8_t *text, size_t len);

/* skels_create: a skeleton whose text is not in the table, whatever max says. slots has one entry
 * for each value in the text. SKEL_NONE out of memory, then t->failed is set. */
uint32_t skels_create(struct skels *t, uint64_t hash, const uint8_t *text, size_t len,
		      const struct slot *slots, uint32_t nslots);

/* skels_insert: finds or creates. What the slots tell is united with what is known. */
uint32_t skels_insert(struct skels *t, const uint8_t *text, size_t len, const struct slot *slots,
		      uint32_t nslots);

/* skels_coarse: the coarse skeleton of a text: its first word and a value that may be anything.
 * With `add` it is made if it is missing; one for lines of any text stands in when there are too
 * many. SKEL_NONE if there is none, or out of memory. */
uint32_t skels_coarse(struct skels *t, const uint8_t *text, size_t len, bool add);

/* skel_unite: slots tell more of the values of s. */
void skel_unite(struct skel *s, const struct slot *slots, uint32_t nslots);

/* skels_count: counts a line (SHAPE_SLACK bytes readable behind it) of skeleton k. */
void skels_count(struct skels *t, uint32_t k, const uint8_t *line, size_t n);

/* skels_more: counts a line that continues the record of skeleton k. */
void skels_more(struct skels *t, uint32_t k);

/* skels_tag: `lines` lines of skeleton k had this tag: a port, a host's number. */
void skels_tag(struct skels *t, uint32_t k, uint32_t tag, uint64_t lines);

/* skels_take: adds counts, times, tags and samples of a skeleton of another table to skeleton k. */
void skels_take(struct skels *t, uint32_t k, const struct skel *s);

/* skels_put_sample: offers a sample of skeleton k: a line that came `lines` times; cut: the line
 * itself is longer than n. The table keeps the samples with the smallest hashes. */
void skels_put_sample(struct skels *t, uint32_t k, uint64_t hash, uint64_t lines,
		      const uint8_t *line, size_t n, bool cut);

/* skels_samples: how many samples a skeleton may have, which falls as the table grows. */
unsigned skels_samples(const struct skels *t);
#define SKEL_SAMPLES_MAX 32u

/* skels_thin: takes away samples that are too many after the table has grown. */
void skels_thin(struct skels *t);

#endif

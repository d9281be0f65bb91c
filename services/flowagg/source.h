/*
 * source: the packets in the order of their numbers, by the bus when they come that way, else from
 * the journal.
 *
 *   following     a message that begins with the number wanted is folded as it is; one that
 *                 begins later shows a gap: catch up
 *   catching up   the journal is read, some packets a turn of the loop; messages are passed over,
 *                 for what is in them is in the journal; at its end: following
 *   held          a packet was not taken in: catching up, but whoever calls waits for a while
 *
 * What neither has is counted and passed over.
 */
#ifndef FLOWAGG_SOURCE_H
#define FLOWAGG_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/msg.h"
#include "storage/journal.h"

struct source_sink {
	/* The next packet; its number is next, or more after a gap. 0, or -errno: it is not taken
	 * in for now. */
	int (*packet)(void *arg, const struct journal_packet *p);
	/* Numbers from..to-1 are nowhere. */
	void (*gap)(void *arg, uint64_t from, uint64_t to);
	/* Numbers begin anew: the journal was replaced by one that ends below the number wanted. */
	void (*anew)(void *arg, uint64_t next);
	void *arg;
};

struct source {
	struct source_sink sink;
	const char *dir; /* borrowed */
	struct journal_reader *reader;
	uint64_t next;          /* number wanted; 0: the oldest in the journal */
	bool catching_up, held; /* held: only while catching up */
	/* What is published is in the journal before: when a catch-up that a message gave rise to
	 * (at number asked) finds nothing there at all, the journal cannot be read, and what
	 * messages lack is nowhere. */
	uint64_t asked, stuck; /* UINT64_MAX: none */
	uint64_t known_run;    /* messages in a row that told nothing new */
	bool heard;            /* a message since the last source_idle */
	uint64_t from_bus, from_journal, known, catch_ups;
};

/* source_init: 0 or -errno. */
int source_init(struct source *s, const char *journal_dir, uint64_t next,
		const struct source_sink *sink);
void source_fini(struct source *s);

/* source_message: a batch from the bus. 0, or -EBADMSG: it breaks the limits of a journal. */
int source_message(struct source *s, const struct msg_packet *m);
/* source_catch_up: begins to read the journal. */
void source_catch_up(struct source *s);
/* source_step: while catching up: hands over up to max packets. true while there is more to do at
 * once: not at the end, nor when held. */
bool source_step(struct source *s, unsigned max);
/* source_idle: once a second or so: when no message came, the journal is looked at, in case the
 * last ones were lost; and a journal that began anew is noticed. */
void source_idle(struct source *s);

#endif

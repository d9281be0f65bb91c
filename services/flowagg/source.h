/*
 * source: packets in the order of their numbers, from the bus when it delivers them without a gap,
 * else from the journal.
 *
 *   following     a message that begins with the number wanted is folded as it is; one that
 *                 begins later shows a gap: catch up
 *   catching up   the journal is read, some packets in each turn of the loop; messages are skipped,
 *                 because the journal holds their packets; at its end: following
 *   held          a packet was not taken in: as catching up, but the caller waits for a while
 *
 * Packets that neither has are reported as a gap and skipped.
 */
#ifndef FLOWAGG_SOURCE_H
#define FLOWAGG_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/msg.h"
#include "storage/journal.h"

struct source_sink {
	/* The next packet; its number is the one wanted, or a higher one after a gap. 0, or -errno:
	 * it is not taken in for now. */
	int (*packet)(void *arg, const struct journal_packet *p);
	/* The packets from..to-1 are lost: neither bus nor journal has them. */
	void (*gap)(void *arg, uint64_t from, uint64_t to);
	/* Numbers restart: the journal was replaced by one that ends below the number wanted. */
	void (*anew)(void *arg, uint64_t next);
	void *arg;
};

struct source {
	struct source_sink sink;
	const char *dir; /* borrowed */
	struct journal_reader *reader;
	uint64_t next;          /* number wanted; 0: the oldest in the journal */
	bool catching_up, held; /* held: only while catching up */
	/* Every packet is in the journal before it is published. When a catch-up that a message
	 * started (at number `asked`) finds nothing at all, the journal cannot be read, and the
	 * packets missing from messages are lost (`stuck`). */
	uint64_t asked, stuck; /* UINT64_MAX: none */
	uint64_t known_run;    /* consecutive messages without a new packet */
	bool heard;            /* a message since the last source_idle */
	uint64_t from_bus, from_journal, known, catch_ups;
};

/* source_init: 0 or -errno. */
int source_init(struct source *s, const char *journal_dir, uint64_t next,
		const struct source_sink *sink);
void source_fini(struct source *s);

/* source_message: takes a batch from the bus. 0, or -EBADMSG: it violates the limits of a
 * journal. */
int source_message(struct source *s, const struct msg_packet *m);
/* source_catch_up: begins to read the journal. */
void source_catch_up(struct source *s);
/* source_step: while catching up, passes up to max packets to the sink. true: more can be done at
 * once; false at the end of the journal and when held. */
bool source_step(struct source *s, unsigned max);
/* source_idle: call it about once a second. When no message came since the last call, it notices a
 * restarted journal and starts a catch-up, in case the last messages were lost. */
void source_idle(struct source *s);

#endif

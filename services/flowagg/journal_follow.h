/*
 * journal_follow: feeds agg with packets from the bus and the journal, in the order of their
 * numbers. Gaps and a restarted journal are counted and reported.
 */
#ifndef FLOWAGG_JOURNAL_FOLLOW_H
#define FLOWAGG_JOURNAL_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "flowagg/agg.h"
#include "flowagg/deliver.h"
#include "flowagg/save.h"
#include "flowagg/source.h"
#include "flowagg/totals.h"
#include "proto/codec.h"

/* Where alerts go. */
typedef void (*journal_follow_alert_fn)(void *arg, const struct msg_alert *alert);

struct journal_follow {
	struct source source;
	/* Borrowed. */
	struct agg *agg;
	struct deliver *deliver;
	struct totals *totals;
	struct saver *saver;
	uint64_t *count; /* by enum flowagg_count */
	journal_follow_alert_fn alert;
	void *arg;

	struct msg_arena arena; /* for decoding messages */
	uint8_t arena_bytes[64 << 10];
};

/* journal_follow_init: the caller has set the borrowed members. Reads journal_dir from agg->next
 * on, starting with what it holds already. 0 or -errno. */
int journal_follow_init(struct journal_follow *f, const char *journal_dir);
void journal_follow_fini(struct journal_follow *f);

/* journal_follow_message: takes the body of a packet message. 0, or -EBADMSG: it cannot be decoded,
 * which is counted. */
int journal_follow_message(struct journal_follow *f, struct bytes body);
/* journal_follow_step: reads the journal for one turn of the loop. true: more can be read at
 * once. */
bool journal_follow_step(struct journal_follow *f);
/* journal_follow_catching_up: whether journal_follow_step is to be called. */
static inline bool journal_follow_catching_up(const struct journal_follow *f)
{
	return f->source.catching_up;
}

#endif

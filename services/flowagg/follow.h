/*
 * follow: the packets of bus and journal into agg, in the order of their numbers; gaps and a
 * journal that began anew are counted and reported.
 */
#ifndef FLOWAGG_FOLLOW_H
#define FLOWAGG_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "flowagg/agg.h"
#include "flowagg/deliver.h"
#include "flowagg/save.h"
#include "flowagg/source.h"
#include "flowagg/totals.h"
#include "proto/codec.h"

/* Where alerts go. */
typedef void (*follow_alert_fn)(void *arg, const struct msg_alert *alert);

struct follow {
	struct source source;
	/* Borrowed. */
	struct agg *agg;
	struct deliver *deliver;
	struct totals *totals;
	struct saver *saver;
	uint64_t *count; /* by enum flowagg_count */
	follow_alert_fn alert;
	void *arg;

	struct msg_arena arena; /* for decoding messages */
	uint8_t arena_bytes[64 << 10];
};

/* follow_init: the borrowed members are set; reads journal_dir from agg->next on, beginning with
 * what is there. 0 or -errno. */
int follow_init(struct follow *f, const char *journal_dir);
void follow_fini(struct follow *f);

/* follow_message: the body of a packet message. 0, or -EBADMSG: it cannot be decoded, and is
 * counted. */
int follow_message(struct follow *f, struct bytes body);
/* follow_step: a turn of reading the journal. true: there is more to read at once. */
bool follow_step(struct follow *f);
/* follow_catching_up: whether follow_step is to be called. */
static inline bool follow_catching_up(const struct follow *f)
{
	return f->source.catching_up;
}

#endif

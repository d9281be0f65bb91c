/*
 * hand: the messages that a worker has at hand, each in a slot until it is deleted, left or given
 * back. Pure.
 *
 *   READY ──► OUT ──► (next object: READY) ──► READ ──► DONE ──► deleted
 *     ▲        │                                │
 *     └─ later ┘                                └─► left to the dead-letter queue
 */
#ifndef ANALYZER_AWS_HAND_H
#define ANALYZER_AWS_HAND_H

#include "aws/event.h"
#include "aws/sqs_text.h"

enum hand_state {
	HAND_FREE,
	HAND_READY, /* its next object is to be got, at at_ns */
	HAND_OUT,   /* it is being got */
	HAND_READ,  /* its records are on their way to the disk */
	HAND_DONE,  /* to be deleted */
};

struct hand_message {
	enum hand_state state;
	uint64_t serial; /* another for each message */
	char id[SQS_ID_MAX], handle[SQS_HANDLE_MAX];
	unsigned receives;
	struct event event;
	size_t next;                 /* object */
	unsigned tries;              /* failures of this object */
	uint64_t at_ns;              /* READY: not before */
	uint64_t first_ns;           /* of the first try of this object; 0: none yet */
	uint64_t since_ns, until_ns; /* received; visible again to others */
	char spoilt
		[320]; /* why it cannot be done, from its first object that cannot; empty: it can */
};

/* Messages whose going to the dead-letter queue has been said. */
#define HAND_LEFT_KEPT 256

struct hand {
	struct hand_message *v;
	size_t n;
	uint64_t serials;
	uint64_t left[HAND_LEFT_KEPT];
	size_t nleft;
};

int hand_init(struct hand *h, size_t n); /* 0 or -ENOMEM */
void hand_fini(struct hand *h);

size_t hand_count(const struct hand *h, enum hand_state state);

/* hand_add: a message just received, READY at now; its event is not read yet. NULL: no slot is
 * free. */
struct hand_message *hand_add(struct hand *h, const struct sqs_message *m, uint64_t now_ns,
			      uint64_t visible_ns);
/* hand_drop: frees the slot. */
void hand_drop(struct hand_message *m);

/* hand_said: whether this message was said to be left before; remembers it. */
bool hand_said(struct hand *h, const char *id);

/* What a batch request was about: messages may be gone or others when it is answered. */
struct hand_batch {
	struct hand_message *m[SQS_BATCH];
	const char *handles[SQS_BATCH];
	uint64_t serials[SQS_BATCH];
	size_t n;
};
/* hand_done: those to delete. hand_short: those whose time ends within left_ns, the nearest first.
 * hand_all: those that are not DONE. At most ten. */
void hand_done(struct hand *h, struct hand_batch *out);
void hand_short(struct hand *h, uint64_t now_ns, uint64_t left_ns, struct hand_batch *out);
void hand_all(struct hand *h, struct hand_batch *out);
/* hand_of: entry i's message, or NULL when it is not at hand any more. */
struct hand_message *hand_of(const struct hand_batch *b, size_t i);

/* hand_next: when the first READY message is due; UINT64_MAX: none. */
uint64_t hand_next(const struct hand *h);

#endif

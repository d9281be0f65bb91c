/*
 * inflight: messages in flight: received from SQS and not yet deleted. Each has a slot until it is
 * deleted, left or given back. Pure.
 *
 *   READY ──► OUT ──► (next object: READY) ──► READ ──► DONE ──► deleted
 *     ▲        │                                │
 *     └─ later ┘                                └─► left to the dead-letter queue
 */
#ifndef ANALYZER_AWS_INFLIGHT_H
#define ANALYZER_AWS_INFLIGHT_H

#include "aws/event.h"
#include "aws/sqs_text.h"
#include "cloud/retry.h"

enum inflight_state {
	INFLIGHT_FREE,
	INFLIGHT_READY, /* its next object is to be got, at attempts.at_ns */
	INFLIGHT_OUT,   /* it is being got */
	INFLIGHT_READ,  /* its records are on their way to the disk */
	INFLIGHT_DONE,  /* to be deleted */
};

struct inflight_message {
	enum inflight_state state;
	uint64_t serial; /* another for each message */
	char id[SQS_ID_MAX], handle[SQS_HANDLE_MAX];
	unsigned receives;
	struct event event;
	size_t next;                 /* object */
	struct attempts attempts;    /* at this object */
	uint64_t first_ns;           /* of the first of them; 0: none yet */
	uint64_t since_ns, until_ns; /* received; visible again to others */
	char spoilt[320]; /* empty, or why it cannot be done: of its first object that cannot */
};

/* Messages of which the log said that they go to the dead-letter queue. */
#define INFLIGHT_LEFT_KEPT 256

struct inflight {
	struct inflight_message *v;
	size_t n;
	uint64_t serials;
	uint64_t left[INFLIGHT_LEFT_KEPT];
	size_t nleft;
};

int inflight_init(struct inflight *h, size_t n); /* 0 or -ENOMEM */
void inflight_fini(struct inflight *h);

size_t inflight_count(const struct inflight *h, enum inflight_state state);

/* inflight_add: a message just received, READY at now; its event is not read yet. NULL: no slot is
 * free. */
struct inflight_message *inflight_add(struct inflight *h, const struct sqs_message *m,
				      uint64_t now_ns, uint64_t visible_ns);
/* inflight_drop: frees the slot. */
void inflight_drop(struct inflight_message *m);

/* inflight_said: whether this message was said to be left before; remembers it. */
bool inflight_said(struct inflight *h, const char *id);

/* What a batch request was about: messages may be gone or others when it is answered. */
struct inflight_batch {
	struct inflight_message *m[SQS_BATCH];
	const char *handles[SQS_BATCH];
	uint64_t serials[SQS_BATCH];
	size_t n;
};
/* inflight_done: those to delete. inflight_short: those whose time ends within left_ns, the nearest
 * first. inflight_all: those that are not DONE. At most ten. */
void inflight_done(struct inflight *h, struct inflight_batch *out);
void inflight_short(struct inflight *h, uint64_t now_ns, uint64_t left_ns,
		    struct inflight_batch *out);
void inflight_all(struct inflight *h, struct inflight_batch *out);
/* inflight_of: entry i's message, or NULL when it is no longer in flight. */
struct inflight_message *inflight_of(const struct inflight_batch *b, size_t i);

/* inflight_next: when the first READY message is due; UINT64_MAX: none. */
uint64_t inflight_next(const struct inflight *h);

#endif

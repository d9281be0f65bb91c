/*
 * memo: remembers what follows from a payload alone, for the next flow with the same bytes.
 *
 * Attackers repeat themselves to the byte. The memo keeps a payload's digest, the results of
 * app_recognise and class_of, and the JSON of these rows, and finds them by the payload itself,
 * compared in full. The table has a fixed size; when its memory is full, it starts afresh. Long
 * payloads, and those whose meaning depends on what the responder said, are examined each time.
 */
#ifndef ANALYZER_MEMO_H
#define ANALYZER_MEMO_H

#include "app/app.h"
#include "class/class.h"
#include "class/class_seen.h"
#include "proto/codec.h"
#include "who/syn.h"

/* Most ranges of rows that follow from the payload alone. */
#define MEMO_MAX_PIECES 8

/* rec has app, its parts, first_bytes, payload, payload_len, payload_sha256, payload_class and
 * readable; nothing else is set. piece has the same as JSON. What every record needs comes
 * first. */
struct memo_known {
	size_t npieces; /* 0: no text is kept */
	struct msg_piece piece[MEMO_MAX_PIECES];
	struct who_tool said;
	bool classed;
	uint8_t class_id[CLASS_SEEN_ID];
	char class[CLASS_TEXT], sha256[65];
	struct msg_analysis rec;
};

/* memo_ranges: the ranges [from, to) of a message's rows that are marked as of_payload, in order.
 * Their number; more than MEMO_MAX_PIECES are a programmer's mistake. */
size_t memo_ranges(const struct msg_schema *s, size_t row[MEMO_MAX_PIECES][2]);

struct memo;

/* memo_new: for payloads of at most max_payload bytes; takes up to 32 MiB as it fills. 0 or
 * -ENOMEM. */
int memo_new(size_t max_payload, struct memo **out);
void memo_free(struct memo **m);
/* memo_forget: ends the validity of all names and of everything borrowed. */
void memo_forget(struct memo *m);

/* memo_recognise: *out borrows from in and from the memo until the next call. If name is not NULL,
 * equal names mean equal payloads: a known payload is then found without comparing it. 0 or
 * -ENOMEM. */
int memo_recognise(struct memo *m, const struct app_in *in, const void *name,
		   const struct memo_known **out);

/* memo_ahead: loads into the cache what memo_recognise will read first, or (near) what the record
 * is made of. Only a hint. */
void memo_ahead(const struct memo *m, const struct app_in *in, const void *name, bool near);

#endif

/*
 * memo: what recognition said of a payload, for the next flow that brings the same bytes.
 *
 * Attackers repeat themselves to the byte: the payload's digest, which every record has anyway, finds what
 * app_recognise and class_of made of it the last time. A table of fixed size, each place taken over by the
 * last payload that falls to it; when its memory is full, it begins anew.
 */
#ifndef ANALYZER_MEMO_H
#define ANALYZER_MEMO_H

#include "app/app.h"
#include "class/class.h"

struct memo;

/* memo_new: takes up to 16 MiB as it fills. 0 or -ENOMEM. */
int memo_new(struct memo **out);
void memo_free(struct memo **m);

/* memo_recognise: *rec becomes what app_recognise gives for in, nothing else set, and class what class_of
 * gives. sha256 is the hex digest of in->init. rec borrows from in and arena, or from the memo until the
 * next call. */
void memo_recognise(struct memo *m, const struct app_in *in, const char sha256[64],
		    struct msg_arena *arena, struct msg_analysis *rec, char class[CLASS_TEXT]);

#endif

/*
 * outcome: how an attempt at something ended: a request, an object stored, a batch delivered. Pure.
 */
#ifndef CLOUD_OUTCOME_H
#define CLOUD_OUTCOME_H

/* From good to bad: of several faults in one attempt, the greatest counts. */
enum outcome {
	OUTCOME_OK,
	OUTCOME_RETRY,   /* the fault may pass: outage, timeout, throttling, expired credentials */
	OUTCOME_STUCK,   /* every attempt fails until a person acts: refused key, missing bucket */
	OUTCOME_REFUSED, /* this one will never be accepted as it is; others will */
};

/* outcome_text: one word, such as "refused". */
const char *outcome_text(enum outcome o);

#endif

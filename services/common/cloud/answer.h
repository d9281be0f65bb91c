/*
 * answer: what an answer of an AWS service means for the request. Pure.
 */
#ifndef CLOUD_ANSWER_H
#define CLOUD_ANSWER_H

#include <stdbool.h>

#include "cloud/http.h"

enum answer {
	ANSWER_GOOD,  /* done */
	ANSWER_RETRY, /* the fault may pass: outage, timeout, throttling, expired credentials */
	ANSWER_STUCK, /* every request would fail until a person acts: refused key, missing bucket */
	ANSWER_REFUSED, /* this request will never be taken as it is, others will */
};

struct verdict {
	enum answer result;
	bool credentials; /* they are expired or unknown: fetch them again */
	char code[64];    /* the service's word for it; empty: none */
	char why[320];    /* one line */
};

/* answer_judge: a->body may be the XML or the JSON of an error. skewed: the clocks were found to
 * differ and are corrected now. temporary: the credentials are. what: whom the answer is from, for
 * the text. */
void answer_judge(const struct http_answer *a, bool skewed, bool temporary, const char *what,
		  struct verdict *out);

#endif

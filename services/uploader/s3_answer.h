/*
 * s3_answer: what an answer of S3 or SNS means for the object. Pure.
 */
#ifndef UPLOADER_S3_ANSWER_H
#define UPLOADER_S3_ANSWER_H

#include "cloud/http.h"
#include "store.h"

struct s3_verdict {
	enum store_result result;
	bool credentials; /* they are expired or unknown: fetch them again */
	char why[320];    /* one line */
};

/* s3_judge: skewed: the clocks were found to differ and are corrected now. temporary: the
 * credentials are. what: whom the answer is from, for the text. */
void s3_judge(const struct http_answer *a, bool skewed, bool temporary, const char *what,
	      struct s3_verdict *out);

#endif

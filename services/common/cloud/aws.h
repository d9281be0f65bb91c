/*
 * aws: what every client of an AWS service does with a response that is not a success.
 */
#ifndef CLOUD_AWS_H
#define CLOUD_AWS_H

#include "cloud/creds.h"
#include "cloud/response.h"

/* Whether the request was done. */
bool aws_good(const struct http_response *a);

/* aws_judge: response_judge, and its consequences: a wrong clock is allowed for from now on (said
 * in the log), credentials that were refused are fetched again. True when the clock was found to be
 * wrong. */
bool aws_judge(struct creds_chain *creds, const struct http_response *a, const char *what,
	       struct verdict *out);

#endif

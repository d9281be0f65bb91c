/*
 * response: what the response of a service means for the request. Pure.
 */
#ifndef CLOUD_RESPONSE_H
#define CLOUD_RESPONSE_H

#include <stdbool.h>

#include "cloud/http_client.h"
#include "cloud/outcome.h"

struct verdict {
	enum outcome result;
	bool credentials; /* they are expired or unknown: fetch them again */
	char code[64];    /* the service's word for it; empty: none */
	char why[320];    /* one line */
};

/* response_judge: a->body may be the XML or the JSON of an error. skewed: the clocks were found to
 * differ and are corrected now. temporary: the credentials are. what: whom the response is from,
 * for the text. */
void response_judge(const struct http_response *a, bool skewed, bool temporary, const char *what,
		    struct verdict *out);

#endif

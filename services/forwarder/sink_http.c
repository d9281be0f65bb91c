#include "sink_http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void sink_request(struct sink *s, struct http *h, const struct http_request *r)
{
	int rc = http_send(h, r);
	if (rc)
		s->done(s->arg, OUTCOME_RETRY, strerror(-rc), 0);
}

enum outcome sink_response(const struct http_response *a, const char *what, const long *refused,
			   struct verdict *v)
{
	response_judge(a, false, false, what, v);
	for (; !a->curl && *refused; refused++)
		if (a->status == *refused)
			return OUTCOME_REFUSED;
	return v->result;
}

int sink_url(const char *option, const char *url, char *why, size_t n)
{
	if (!url || !*url || strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0)
		return 0;
	snprintf(why, n, "%s: expected http:// or https://", option);
	return -EINVAL;
}

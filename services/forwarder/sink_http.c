#include "sink_http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void sink_request(struct sink *s, struct http *h, const struct http_request *r)
{
	int rc = http_send(h, r);
	if (rc)
		s->done(s->arg, SINK_RETRY, strerror(-rc), 0);
}

enum sink_result sink_verdict(enum answer a)
{
	static const enum sink_result results[] = {[ANSWER_GOOD] = SINK_DELIVERED,
						   [ANSWER_RETRY] = SINK_RETRY,
						   [ANSWER_STUCK] = SINK_STUCK,
						   [ANSWER_REFUSED] = SINK_REFUSED};
	return results[a];
}

enum sink_result sink_answer(const struct http_answer *a, const char *what, const long *refused,
			     struct verdict *v)
{
	answer_judge(a, false, false, what, v);
	for (; !a->curl && *refused; refused++)
		if (a->status == *refused)
			return SINK_REFUSED;
	return sink_verdict(v->result);
}

int sink_url(const char *option, const char *url, char *why, size_t n)
{
	if (!url || !*url || strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0)
		return 0;
	snprintf(why, n, "%s: expected http:// or https://", option);
	return -EINVAL;
}

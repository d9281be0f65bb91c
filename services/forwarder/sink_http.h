/*
 * sink_http: what sinks that deliver by HTTP have in common.
 */
#ifndef FORWARDER_SINK_HTTP_H
#define FORWARDER_SINK_HTTP_H

#include "cloud/response.h"
#include "sink.h"

/* sink_request: http_send; a request that cannot be sent ends the delivery with OUTCOME_RETRY. */
void sink_request(struct sink *s, struct http *h, const struct http_request *r);
/* sink_response: what a response means for the batch. what: who sent it, for the text in v; not a
 * service of AWS. refused: statuses that mean OUTCOME_REFUSED, ended by 0. Pure. */
enum outcome sink_response(const struct http_response *a, const char *what, const long *refused,
			   struct verdict *v);
/* sink_url: checks an option that is a URL. 0, also when it is not given, or -EINVAL with why. */
int sink_url(const char *option, const char *url, char *why, size_t n);

#endif

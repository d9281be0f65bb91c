/*
 * sink_http: what sinks that deliver by HTTP have in common.
 */
#ifndef FORWARDER_SINK_HTTP_H
#define FORWARDER_SINK_HTTP_H

#include "cloud/response.h"
#include "sink.h"

/* sink_request: http_send, with r's done and arg; what cannot be sent ends the delivery. */
void sink_request(struct sink *s, struct http *h, const struct http_request *r);
/* sink_response: what an answer of `what`, no service of AWS, is for the batch; with one of the
 * statuses in refused (0 ends them) it will not be taken as it is. v has why. Pure. */
enum outcome sink_response(const struct http_response *a, const char *what, const long *refused,
			   struct verdict *v);
/* sink_url: checks an option that is a URL, if given: 0, or -EINVAL with why. */
int sink_url(const char *option, const char *url, char *why, size_t n);

#endif

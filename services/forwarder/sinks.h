/*
 * sinks: the table of destinations. A new one is a file with a sink_class, its options in conf.c, and a row in main.c.
 */
#ifndef FORWARDER_SINKS_H
#define FORWARDER_SINKS_H

#include "cloud/creds.h"
#include "cloud/http.h"
#include "cloud/logs.h"
#include "sink.h"

/* What sinks share; borrowed for their life. */
struct sinks_env {
	struct http *http;
	struct creds_chain *creds;
};

/* CloudWatch Logs: one event a record. */
int sink_cloudwatch_new(const struct sinks_env *env, const struct logs_conf *conf,
			struct sink **out);

/* Any HTTP server: records as NDJSON in a POST; 2xx takes them, 413 and 400 mean smaller batches. */
struct webhook_conf {
	const char *url;
	const char
		*token_file; /* NULL, or a file whose first line goes into Authorization: Bearer */
	uint64_t max_bytes;  /* of one request */
};
int sink_webhook_new(const struct sinks_env *env, const struct webhook_conf *conf,
		     struct sink **out);

/* Slack's incoming webhooks (and what imitates them): at most one message in every_ns, with the first few records since
 * the last one in full and the number and ports of the others. */
struct slack_conf {
	const char *url;
	uint64_t every_ns;
};
int sink_slack_new(const struct sinks_env *env, const struct slack_conf *conf, struct sink **out);

#endif

/*
 * cloud_conf: the analyzer's options for the cloud and what they open, for the workers of SQS and
 * for Lambda.
 */
#ifndef ANALYZER_AWS_CLOUD_CONF_H
#define ANALYZER_AWS_CLOUD_CONF_H

#include "aws/fetch.h"
#include "cloud/creds.h"
#include "cloud/http_client.h"

struct loop;

/* Of the settings. */
struct cloud_conf {
	const char *s3_region, *s3_endpoint, *ca_file;
	int s3_style; /* enum s3_style */
	uint64_t s3_max_bytes;
	int64_t stall_s;
	struct creds_conf creds;
};

/* cloud_check: 0 or -EINVAL with why. */
int cloud_check(const struct cloud_conf *c, char *why, size_t n);

/* What is open. */
struct cloud {
	struct http *http;
	struct creds_chain *creds;
	struct fetch *fetch;
	struct creds_conf creds_conf;
	char region[32];
};

/* cloud_open: region: where the configuration names none; NULL or empty: the environment's. calls:
 * requests at once beside those for credentials. response_max: of a response in memory. dir: for
 * fetched files. 0 or -errno, logged. */
int cloud_open(struct cloud *c, const struct cloud_conf *conf, struct loop *l, const char *region,
	       size_t calls, size_t response_max, const char *dir);
/* cloud_close: requests in progress end without a callback. */
void cloud_close(struct cloud *c);

#endif

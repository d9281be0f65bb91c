/*
 * conf: the uploader's options.
 */
#ifndef UPLOADER_CONF_H
#define UPLOADER_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "rt/opt.h"
#include "store_s3.h"
#include "work.h"

enum conf_store { CONF_DIR, CONF_S3 };

struct conf {
	const char *endpoint;
	int store; /* enum conf_store */
	const char *directory;
	uint64_t max_bytes;
	int64_t retry_max_s, uploads, stall_s;
	const char *s3_bucket, *s3_prefix, *s3_region, *s3_endpoint, *ca_file;
	int s3_style, s3_sse;
	const char *s3_storage_class;
	const char *sns_topic, *sns_endpoint;
	struct creds_conf creds;
};

extern const struct opt conf_opts[];

/* conf_work: how entries of the queue are worked off. */
struct work_conf conf_work(const struct conf *c);
/* conf_s3: the part of the S3 store; borrows from c. */
struct store_s3_conf conf_s3(const struct conf *c, const char *sensor);

#endif

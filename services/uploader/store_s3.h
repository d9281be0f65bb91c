/*
 * store_s3: a bucket as the store, and where a topic is given, SNS.
 *
 * An object is done when S3 has answered its PUT and, with a topic, SNS the Publish. A PUT whose
 * response was lost is sent again: the same bytes under the same key.
 */
#ifndef UPLOADER_STORE_S3_H
#define UPLOADER_STORE_S3_H

#include "cloud/creds.h"
#include "cloud/s3_name.h"
#include "object_store.h"

struct loop;
struct observed;

enum s3_sse { S3_SSE_NONE, S3_SSE_AES256, S3_SSE_KMS };

/* Strings are borrowed; NULL or empty where absent. */
struct store_s3_conf {
	const char *bucket, *prefix, *region, *endpoint, *ca_file;
	enum s3_style style;
	const char *storage_class;
	enum s3_sse sse;
	const char *sensor;              /* for the objects' metadata */
	const struct observed *observed; /* the same; its owner keeps it current */
	const char *topic, *sns_endpoint;
	size_t uploads; /* at once */
	int64_t stall_s;
	struct creds_conf creds;
};

struct store_s3_counts {
	uint64_t errors_5xx, errors_4xx, errors_network, throttled, announced, skewed, renewed;
};

/* store_s3_check: whether the configuration makes sense, without doing anything. 0, or -EINVAL with
 * why. */
int store_s3_check(const struct store_s3_conf *conf, char *why, size_t n);

/* store_s3_destination: writes "s3://bucket/prefix/". 0 or -EINVAL. */
int store_s3_destination(const struct store_s3_conf *conf, char *out, size_t n);

/* store_s3_new: call it in the sandbox (libcurl starts threads). counts is updated while the store
 * lives. 0 or -errno. */
int store_s3_new(struct loop *l, const struct store_s3_conf *conf, struct store_s3_counts *counts,
		 struct object_store **out);

#endif

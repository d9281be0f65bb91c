/*
 * s3_name: how bucket, key and endpoint become a URL. Pure.
 */
#ifndef CLOUD_S3_NAME_H
#define CLOUD_S3_NAME_H

#include <stdbool.h>

#include "proto/buf.h"

enum s3_style {
	S3_AUTO,    /* virtual-host at AWS, unless the bucket has a dot; path elsewhere */
	S3_PATH,    /* https://endpoint/bucket/key */
	S3_VIRTUAL, /* https://bucket.endpoint/key */
};

/* Their names, NULL-terminated, for options. */
extern const char *const s3_styles[];

/* s3_bucket_valid: 3 to 63 of a-z 0-9 . -, as the naming rules have it: nothing that changes the
 * meaning of a URL. */
bool s3_bucket_valid(const char *bucket);

/* s3_prefix: appends prefix to out with one "/" at its end, or nothing when it is empty. 0; -EINVAL
 * for a prefix that begins with "/", has an empty, "." or ".." component, or is not printable
 * ASCII; -EFBIG. */
int s3_prefix(struct buf *out, const char *prefix);

/* s3_base: appends the URL that an escaped key is appended to. endpoint: "https://host[:port]",
 * NULL or empty: the region's. 0; -EINVAL for what is no such URL; -EFBIG. */
int s3_base(struct buf *out, const char *endpoint, const char *region, const char *bucket,
	    enum s3_style style);

#endif

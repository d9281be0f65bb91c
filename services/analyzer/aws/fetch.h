/*
 * fetch: gets objects of S3 into files.
 */
#ifndef ANALYZER_AWS_FETCH_H
#define ANALYZER_AWS_FETCH_H

#include "aws/event.h"
#include "cloud/response.h"
#include "cloud/s3_name.h"
#include "storage/observed.h"

struct http;
struct creds_chain;
struct fetch;

/* All is borrowed. */
struct fetch_conf {
	struct http *http;
	struct creds_chain *creds;
	const char *region, *endpoint; /* endpoint: NULL or empty: the region's */
	enum s3_style style;
	uint64_t max_bytes; /* of an object */
	const char *dir;    /* where the files without a name are */
};

/* What became of an object. */
struct fetch_got {
	enum outcome result; /* OUTCOME_REFUSED: the object is missing or too large */
	/* With OUTCOME_STUCK: S3 says this of an object that is not there as well, to whom may not
	 * list the bucket. */
	bool forbidden;
	const char *why;              /* NULL with OUTCOME_OK */
	uint64_t wait_ns;             /* the least time until the next try, or 0 */
	int fd;                       /* with OUTCOME_OK: the receiver's; read from the beginning */
	char sensor[256];             /* x-amz-meta-sensor: who uploaded it; empty: not said */
	char observed[OBSERVED_PAIR]; /* x-amz-meta-observed; empty: not said */
};
typedef void (*fetch_fn)(void *arg, const struct fetch_got *got);

int fetch_new(const struct fetch_conf *conf, struct fetch **out); /* 0 or -ENOMEM */
/* fetch_free: after the requests have ended or http is freed. */
void fetch_free(struct fetch **f);

/* fetch_object: ends in done(), during the call or later. */
void fetch_object(struct fetch *f, const struct event_object *o, fetch_fn done, void *arg);

/* fetch_url: appends the object's URL. 0 or -errno. */
int fetch_url(struct buf *out, const struct fetch_conf *conf, const struct event_object *o);

#endif

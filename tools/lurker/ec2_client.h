/*
 * ec2_client: asks EC2 and the instance's metadata (IMDSv2), one thing at a time, and waits.
 */
#ifndef LURKER_EC2_CLIENT_H
#define LURKER_EC2_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "cloud/creds.h"
#include "cloud/response.h"

struct ec2_client;

/* All strings may be NULL; they are borrowed. */
struct ec2_conf {
	const char *region;   /* NULL: the environment's, else the instance's */
	const char *endpoint; /* NULL: the region's */
	const char *ca_file;
	struct creds_conf creds;
};

enum ec2_result {
	EC2_DONE,
	EC2_UNKNOWN, /* it may have been done or not: there was no answer, or none that says so */
	EC2_REFUSED, /* it was not done, and will not be as it is */
};

/* ec2_client_new: 0 or -errno. */
int ec2_client_new(const struct ec2_conf *conf, struct ec2_client **out);
void ec2_client_free(struct ec2_client **c);

/* ec2_metadata: one word or the first line of what the instance's metadata has below
 * /latest/meta-data/. 0; -ENOENT: there is nothing of this name; -EIO, with the cause in why. */
int ec2_metadata(struct ec2_client *c, const char *path, char *out, size_t n, const char **why);

/* ec2_call: sends a request's body and waits for the answer, which is valid until the next call.
 * What may pass is tried again for about half a minute; what may have been done only where `again`
 * says that twice does no harm. v says why not. */
enum ec2_result ec2_call(struct ec2_client *c, struct bytes body, bool again, struct bytes *answer,
			 struct verdict *v);

#endif

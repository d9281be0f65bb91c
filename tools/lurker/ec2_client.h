/*
 * ec2_client: requests to EC2 and to the instance's metadata service (IMDSv2), one at a time; each
 * call waits for its response.
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
	EC2_UNKNOWN, /* it may have been done or not: no response, or none that tells */
	EC2_REFUSED, /* it was not done, and the same request will be refused again */
};

/* ec2_client_new: 0, or -errno with NULL in *out. */
int ec2_client_new(const struct ec2_conf *conf, struct ec2_client **out);
void ec2_client_free(struct ec2_client **c);

/* ec2_metadata: the first word of what the metadata service has at /latest/meta-data/PATH. 0;
 * -ENOENT: there is no such path; -EIO, with the cause in *why (valid until the next call). */
int ec2_metadata(struct ec2_client *c, const char *path, char *out, size_t n, const char **why);

/* ec2_call: sends a request with this body and waits for the response, which is valid until the
 * next call. Errors that may pass are retried for about half a minute. A request that may have been
 * done is repeated only with `again`: doing it twice does no harm. *v says why a request failed. */
enum ec2_result ec2_call(struct ec2_client *c, struct bytes body, bool again,
			 struct bytes *response, struct verdict *v);

#endif

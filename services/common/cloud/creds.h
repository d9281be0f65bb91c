/*
 * creds: AWS credentials, from the first source that has some.
 *
 *   configuration · environment · shared credentials file (profile) · web identity (STS) ·
 * container endpoint · IMDSv2
 *
 * Nothing blocks: temporary credentials are fetched on the loop, and again before they expire.
 */
#ifndef CLOUD_CREDS_H
#define CLOUD_CREDS_H

#include <stdint.h>

struct http;
struct creds_chain;

#define CREDS_TOKEN_MAX 8192

struct creds {
	char key_id[160], secret[160], token[CREDS_TOKEN_MAX]; /* token: empty for long-term keys */
	uint64_t expires_s;                                    /* 0: never */
};

/* All may be NULL; strings are borrowed. */
struct creds_conf {
	const char *key_id, *secret_file; /* the configuration's own; the file holds the secret */
	const char *profile;              /* NULL: $AWS_PROFILE, "default" */
	const char *file;          /* NULL: $AWS_SHARED_CREDENTIALS_FILE, ~/.aws/credentials */
	const char *region;        /* of the STS endpoint */
	const char *sts_endpoint;  /* NULL: the region's */
	const char *imds_endpoint; /* NULL: $AWS_EC2_METADATA_SERVICE_ENDPOINT,
				      http://169.254.169.254 */
};

/* creds_new: 0 or -ENOMEM. h may be NULL: then only the sources without a network are asked. */
int creds_new(const struct creds_conf *conf, struct http *h, struct creds_chain **out);
/* creds_free: before h. */
void creds_free(struct creds_chain **c);

/* creds_get: credentials valid now. 0; -EAGAIN: being fetched, ask again; -ENOENT: no source has
 * any (why says what was tried); -EIO: the source did not answer as it should, it is asked again
 * after a while (why). Starts fetching where that is needed. */
int creds_get(struct creds_chain *c, const struct creds **out, const char **why);

/* creds_refused: the service says they are expired or unknown: temporary ones are fetched again,
 * and those of a file are read again, at the next creds_get (at most every few seconds). */
void creds_refused(struct creds_chain *c);

/* The source in use, for the log: "environment", "IMDSv2", …; "none". */
const char *creds_source(const struct creds_chain *c);

/* creds_region: the region of the configuration: given, else $AWS_REGION, $AWS_DEFAULT_REGION, the
 * profile's in ~/.aws/config, else us-east-1. */
void creds_region(const char *given, const char *profile, char out[32]);

#endif

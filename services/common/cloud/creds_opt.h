/*
 * creds_opt: the options by which every client of AWS is given credentials.
 */
#ifndef CLOUD_CREDS_OPT_H
#define CLOUD_CREDS_OPT_H

#include <stddef.h>

#include "cloud/creds.h"
#include "rt/opt.h"

#define CREDS_OPT(conf_type, at, key, text)                                                   \
	{                                                                                     \
		.name = key, .type = OPT_STR, .offset = offsetof(conf_type, at), .help = text \
	}

/* CREDS_OPTS: rows for conf_type, whose member `field` is a struct creds_conf. prefix: what the
 * help begins with. */
#define CREDS_OPTS(conf_type, field, prefix)                                               \
	CREDS_OPT(conf_type, field.key_id, "access_key_id",                                \
		  prefix "access key; without one: environment, credentials file, web "    \
			 "identity, container, instance role (IMDSv2)"),                   \
		CREDS_OPT(conf_type, field.secret_file, "secret_file",                     \
			  prefix "file that holds the secret of access_key_id"),           \
		CREDS_OPT(conf_type, field.profile, "profile",                             \
			  prefix "profile of the credentials file"),                       \
		CREDS_OPT(conf_type, field.file, "credentials_file",                       \
			  prefix "credentials file; by default ~/.aws/credentials"),       \
		CREDS_OPT(conf_type, field.sts_endpoint, "sts_endpoint",                   \
			  prefix "URL of another STS service than AWS, for web identity"), \
		CREDS_OPT(conf_type, field.imds_endpoint, "imds_endpoint",                 \
			  prefix "URL of the instance metadata service, if not the usual one")

#endif

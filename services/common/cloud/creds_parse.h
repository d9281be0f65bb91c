/*
 * creds_parse: the texts that credentials come in. Pure.
 */
#ifndef CLOUD_CREDS_PARSE_H
#define CLOUD_CREDS_PARSE_H

#include "cloud/creds.h"
#include "proto/buf.h"

/* creds_ini: the value of key in [section] of an AWS configuration file. 0; -ENOENT; -ENAMETOOLONG.
 */
int creds_ini(struct bytes text, const char *section, const char *key, char *out, size_t n);

/* creds_json: what container endpoint and IMDS answer. 0; -EINVAL: not that, or incomplete, or too
 * long. */
int creds_json(struct bytes text, struct creds *out);

/* creds_sts: an AssumeRoleWithWebIdentity answer. 0 or -EINVAL. */
int creds_sts(struct bytes text, struct creds *out);

/* xml_text: the text of the first element <name> without attributes or children, its five entities
 * resolved. 0; -ENOENT; -ENAMETOOLONG (also for control characters). */
int xml_text(struct bytes xml, const char *name, char *out, size_t n);

#endif

/*
 * flow_ids: which flow is in a file, for the object's metadata. Pure.
 *
 * Filled by the messages `flow`; the last few hundred are kept, so that an object may well go
 * without.
 */
#ifndef UPLOADER_FLOW_IDS_H
#define UPLOADER_FLOW_IDS_H

#include "storage/spool.h"

#define FLOW_IDS_KEPT 512
#define FLOW_ID_TEXT  33 /* 32 hex digits and a NUL */

struct flow_ids {
	struct flow_id {
		char key[OBJECT_KEY_MAX], id[FLOW_ID_TEXT];
	} v[FLOW_IDS_KEPT];
};

/* flow_ids_add: what is no key, or no 32 lower-case hex digits, is ignored. */
void flow_ids_add(struct flow_ids *f, const char *key, size_t nkey, const char *id, size_t nid);
/* flow_ids_find: the flow in the file `key`; "" when it is not known. */
const char *flow_ids_find(struct flow_ids *f, const char *key);

#endif

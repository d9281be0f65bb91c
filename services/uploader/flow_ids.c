#include "flow_ids.h"

#include <string.h>

/* FNV-1a; the table is only a convenience: a forged collision costs one object its flow id. */
static struct flow_id *flow_ids_place(struct flow_ids *f, const char *key, size_t n)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)key[i]) * 16777619u;
	return &f->v[h % FLOW_IDS_KEPT];
}

void flow_ids_add(struct flow_ids *f, const char *key, size_t nkey, const char *id, size_t nid)
{
	if (nkey == 0 || nkey >= OBJECT_KEY_MAX || nid != FLOW_ID_TEXT - 1)
		return;
	for (size_t i = 0; i < nid; i++)
		if (!strchr("0123456789abcdef", id[i]) || !id[i])
			return;
	struct flow_id *place = flow_ids_place(f, key, nkey);
	memcpy(place->key, key, nkey);
	place->key[nkey] = '\0';
	memcpy(place->id, id, nid);
	place->id[nid] = '\0';
}

const char *flow_ids_find(struct flow_ids *f, const char *key)
{
	const struct flow_id *place = flow_ids_place(f, key, strlen(key));
	return strcmp(place->key, key) == 0 ? place->id : "";
}

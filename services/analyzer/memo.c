#include "memo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PLACES      1024u /* a power of two */
#define MAX_PAYLOAD 8192u
/* An entry whose parts took more of its arena is not kept: only pages that were used cost memory. */
#define MAX_USED 8192u

/* All that recognition looks at. */
struct key {
	char sha256[64];
	uint64_t datagram;
	uint16_t src_port, dst_port;
	uint8_t proto, pad[3];
};

struct entry {
	struct key key;
	struct msg_analysis rec; /* borrows from the two below */
	char class[CLASS_TEXT];
	uint8_t *payload;
	_Alignas(16) uint8_t arena[APP_ARENA_BYTES];
};

struct memo {
	struct entry *place[PLACES];
};

int memo_new(struct memo **out)
{
	*out = calloc(1, sizeof **out);
	return *out ? 0 : -ENOMEM;
}

static void free_entry(struct entry **e)
{
	if (*e)
		free((*e)->payload);
	free(*e);
	*e = NULL;
}

void memo_free(struct memo **m)
{
	if (!*m)
		return;
	for (size_t i = 0; i < PLACES; i++)
		free_entry(&(*m)->place[i]);
	free(*m);
	*m = NULL;
}

static void key_of(const struct app_in *in, const char sha256[64], struct key *k)
{
	*k = (struct key){.datagram = in->datagram, .dst_port = in->dst_port, .proto = in->proto};
	/* Of the initiator's ports only those that mean a service. */
	k->src_port = in->src_port < 1024 ? in->src_port : 0;
	memcpy(k->sha256, sha256, sizeof k->sha256);
}

static size_t place_of(const struct key *k)
{
	uint32_t h;

	memcpy(&h, k->sha256, sizeof h);
	h = h * 31 + k->dst_port;
	return (h ^ h >> 11) & (PLACES - 1);
}

static void recognise(const struct app_in *in, struct msg_arena *arena, struct msg_analysis *rec,
		      char class[CLASS_TEXT])
{
	*rec = (struct msg_analysis){0};
	app_recognise(in, arena, rec);
	class_of(in->init, rec, class);
}

void memo_recognise(struct memo *m, const struct app_in *in, const char sha256[64],
		    struct msg_arena *arena, struct msg_analysis *rec, char class[CLASS_TEXT])
{
	struct key key;

	/* The responder's bytes break ties: with them the result is not the payload's alone. */
	if (in->init.n > MAX_PAYLOAD || in->resp.n) {
		recognise(in, arena, rec, class);
		return;
	}
	key_of(in, sha256, &key);
	struct entry **place = &m->place[place_of(&key)], *e = *place;
	if (!e || memcmp(&e->key, &key, sizeof key) != 0) {
		if (!e)
			e = *place = calloc(1, sizeof *e);
		uint8_t *payload = e ? realloc(e->payload, in->init.n) : NULL;
		if (!payload) {
			recognise(in, arena, rec, class);
			return;
		}
		e->key = (struct key){0};
		e->payload = payload;
		struct msg_arena own = {.p = e->arena, .n = sizeof e->arena};
		struct app_in copy = *in;
		memcpy(e->payload, in->init.p, in->init.n);
		copy.init.p = e->payload;
		recognise(&copy, &own, &e->rec, e->class);
		e->key = key;
		if (own.used > MAX_USED) {
			free_entry(place);
			recognise(in, arena, rec, class);
			return;
		}
	}
	*rec = e->rec;
	memcpy(class, e->class, CLASS_TEXT);
}

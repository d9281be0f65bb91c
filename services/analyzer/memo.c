#include "memo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PLACES       8192u /* a power of two */
#define MAX_PAYLOAD  8192u
#define REGION_BYTES (16u << 20)
/* An entry whose parts took more than this is not kept: few of them would fill the region. */
#define MAX_USED 8192u
#define ALIGN    16u

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
	_Alignas(ALIGN) uint8_t rest[]; /* the payload, then what app_recognise took */
};

/* Entries lie one behind the other in the region; when it is full, all are forgotten. */
struct memo {
	struct entry *place[PLACES];
	uint8_t *region;
	size_t used;
};

int memo_new(struct memo **out)
{
	struct memo *m = calloc(1, sizeof *m);

	*out = m;
	if (!m)
		return -ENOMEM;
	/* Memory that was not written to costs nothing. */
	m->region = malloc(REGION_BYTES);
	if (m->region)
		return 0;
	memo_free(out);
	return -ENOMEM;
}

void memo_free(struct memo **m)
{
	if (!*m)
		return;
	free((*m)->region);
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

static size_t aligned(size_t n)
{
	return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* new_entry: recognises at the region's end; the entry stays there if it is small enough. */
static struct entry *new_entry(struct memo *m, const struct app_in *in, const struct key *key)
{
	size_t payload = aligned(in->init.n), fixed = sizeof(struct entry) + payload;

	if (REGION_BYTES - m->used < fixed + APP_ARENA_BYTES) {
		memset(m->place, 0, sizeof m->place);
		m->used = 0;
	}
	struct entry *e = (void *)(m->region + m->used);
	struct msg_arena arena = {.p = e->rest + payload, .n = APP_ARENA_BYTES};
	struct app_in copy = *in;

	e->key = *key;
	memcpy(e->rest, in->init.p, in->init.n);
	copy.init.p = e->rest;
	recognise(&copy, &arena, &e->rec, e->class);
	if (arena.used <= MAX_USED) {
		m->used += aligned(fixed + arena.used);
		m->place[place_of(key)] = e;
	}
	return e;
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
	struct entry *e = m->place[place_of(&key)];
	if (!e || memcmp(&e->key, &key, sizeof key) != 0)
		e = new_entry(m, in, &key);
	*rec = e->rec;
	memcpy(class, e->class, CLASS_TEXT);
}

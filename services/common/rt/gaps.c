#include "rt/gaps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct row {
	/* lengths, then the names: comparing a row is one memcmp of what is used */
	uint8_t nsensor, nproducer, ntopic;
	uint8_t names[GAPS_SENSOR + GAPS_PRODUCER + GAPS_TOPIC];
	uint64_t epoch, next;
};

struct gaps {
	struct row rows[GAPS_ROWS];
	size_t n;
	size_t last; /* row of the last message: the next one is most often from there too */
};

int gaps_new(struct gaps **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void gaps_free(struct gaps **g)
{
	free(*g);
	*g = NULL;
}

static bool same(const struct row *a, const struct row *b)
{
	size_t n = (size_t)a->nsensor + a->nproducer + a->ntopic;
	return a->nsensor == b->nsensor && a->nproducer == b->nproducer && a->ntopic == b->ntopic &&
	       memcmp(a->names, b->names, n) == 0;
}

static struct row *find(struct gaps *g, const struct row *key)
{
	for (size_t k = 0; k < g->n; k++) {
		size_t i = (g->last + k) % g->n;
		if (same(&g->rows[i], key)) {
			g->last = i;
			return &g->rows[i];
		}
	}
	return NULL;
}

int gaps_note(struct gaps *g, struct bytes sensor, struct bytes producer, struct bytes topic,
	      uint64_t epoch, uint64_t seq, uint64_t *missed, bool *new_epoch)
{
	*missed = 0;
	*new_epoch = false;
	if (sensor.n == 0 || sensor.n > GAPS_SENSOR || producer.n == 0 ||
	    producer.n > GAPS_PRODUCER || topic.n == 0 || topic.n > GAPS_TOPIC || seq == UINT64_MAX)
		return -EINVAL;

	struct row key = {.nsensor = (uint8_t)sensor.n,
			  .nproducer = (uint8_t)producer.n,
			  .ntopic = (uint8_t)topic.n,
			  .epoch = epoch,
			  .next = seq + 1};
	memcpy(key.names, sensor.p, sensor.n);
	memcpy(key.names + sensor.n, producer.p, producer.n);
	memcpy(key.names + sensor.n + producer.n, topic.p, topic.n);

	struct row *r = find(g, &key);
	if (!r) {
		if (g->n == GAPS_ROWS)
			return -ENOSPC;
		g->last = g->n;
		g->rows[g->n++] = key;
		*new_epoch = true;
		return 0;
	}
	if (r->epoch != epoch) {
		*new_epoch = true;
		*missed = seq;
	} else if (seq < r->next) {
		return -EINVAL;
	} else {
		*missed = seq - r->next;
	}
	r->epoch = epoch;
	r->next = seq + 1;
	return 0;
}

#include "table/payload_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "reassembly/keyed_hash.h"

/* A place in the table for this many bytes: payloads of attacks are rarely shorter. */
#define BYTES_A_PLACE 64u
#define MIN_PLACES    1024u
#define PROBES        8u

struct place {
	uint32_t tag;    /* of the hash */
	uint32_t offset; /* in the region, in units of UNIT; 0: free */
};

#define UNIT 16u

/* A payload in the region has its length in front. */
struct kept {
	uint32_t n;
	uint8_t pad[UNIT - 4]; /* the payload begins aligned */
	uint8_t p[];
};

struct payload_store {
	uint8_t seed[16];
	struct place *place;
	uint64_t places; /* a power of two */
	uint8_t *region;
	size_t used, bytes;
};

static void *reserve(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

int payload_store_new(size_t bytes, struct payload_store **out)
{
	struct payload_store *s = calloc(1, sizeof *s);

	*out = s;
	if (!s)
		return -ENOMEM;
	s->bytes = bytes < (size_t)UINT32_MAX * UNIT ? bytes : (size_t)UINT32_MAX * UNIT;
	for (s->places = MIN_PLACES; s->places < bytes / BYTES_A_PLACE;)
		s->places *= 2;
	s->region = reserve(bytes);
	s->place = reserve(s->places * sizeof *s->place);
	s->used = UNIT; /* offset 0 means free */
	if (s->region && s->place && getrandom(s->seed, sizeof s->seed, 0) == sizeof s->seed) {
		madvise(s->region, bytes, MADV_HUGEPAGE);
		return 0;
	}
	payload_store_free(out);
	return -ENOMEM;
}

void payload_store_free(struct payload_store **s)
{
	if (!*s)
		return;
	if ((*s)->region)
		munmap((*s)->region, (*s)->bytes);
	if ((*s)->place)
		munmap((*s)->place, (*s)->places * sizeof *(*s)->place);
	free(*s);
	*s = NULL;
}

const uint8_t *payload_store_put(struct payload_store *s, const uint8_t *p, size_t n)
{
	uint64_t h = keyed_hash(p, n, s->seed);
	uint32_t tag = (uint32_t)(h >> 32);
	struct place *to = NULL;

	for (size_t i = 0; i < PROBES && !to; i++) {
		struct place *at = &s->place[(h + i) & (s->places - 1)];
		if (!at->offset) {
			to = at;
		} else if (at->tag == tag) {
			const struct kept *k = (void *)(s->region + (size_t)at->offset * UNIT);
			if (k->n == n && memcmp(k->p, p, n) == 0)
				return k->p;
		}
	}
	size_t need = (sizeof(struct kept) + n + UNIT - 1) & ~(size_t)(UNIT - 1);
	if (!to || need > s->bytes - s->used)
		return NULL;
	struct kept *k = (void *)(s->region + s->used);
	*to = (struct place){.tag = tag, .offset = (uint32_t)(s->used / UNIT)};
	s->used += need;
	k->n = (uint32_t)n;
	return memcpy(k->p, p, n);
}

#include "table/snapshot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reassembly/block_pool.h"

/*
 * One after another: the length of the head; the head: the flow's struct and those of its streams,
 * without the words that are zero; its tunnel; and for each direction the stream's data, unless it
 * is in the store, its gaps, and the RST bytes with their length. Only this process reads it:
 * pointers stay in the structs and say which parts follow.
 */

#define WORDS(type) (sizeof(type) / sizeof(uint32_t))
static_assert(sizeof(struct flow) % sizeof(uint32_t) == 0 &&
		      sizeof(struct stream) % sizeof(uint32_t) == 0,
	      "structs are whole words");

/* Of a run of words: for each 32 of them a mask of those that are not zero, and these. */
#define MOST(words) ((words) + ((words) + 31) / 32)
#define HEAD_WORDS  (MOST(WORDS(struct flow)) + MOST(WORDS(struct stream)))

static uint32_t *pack(uint32_t *to, const void *from, size_t words)
{
	const uint8_t *p = from;

	while (words) {
		size_t n = words < 32 ? words : 32;
		uint32_t *mask = to++, bits = 0;
		for (size_t i = 0; i < n; i++, p += sizeof *to) {
			uint32_t v;
			memcpy(&v, p, sizeof v);
			*to = v;
			bits |= (uint32_t)(v != 0) << i;
			to += v != 0;
		}
		*mask = bits;
		words -= n;
	}
	return to;
}

static const uint32_t *unpack(const uint32_t *from, void *to, size_t words)
{
	uint8_t *p = to;

	memset(to, 0, words * sizeof *from);
	while (words) {
		size_t n = words < 32 ? words : 32;
		for (uint32_t bits = *from++; bits; bits &= bits - 1, from++)
			memcpy(p + (size_t)__builtin_ctz(bits) * sizeof *from, from, sizeof *from);
		p += n * sizeof *from;
		words -= n;
	}
	return from;
}

bool flow_can_snapshot(const struct flow *f)
{
	for (int i = 0; i < 2; i++)
		if (f->dir[i].doubted ||
		    (f->dir[i].stream && (f->dir[i].stream->ahead || f->dir[i].stream->low)))
			return false;
	return true;
}

/* share: has the store keep the stream's data, if it will. */
static void share(struct stream *s, struct payload_store *store)
{
	if (!store || s->shared || s->ngaps || !s->len || s->len > PAYLOAD_STORE_MAX)
		return;
	const uint8_t *kept = payload_store_put(store, s->data, s->len);
	if (!kept)
		return;
	block_give(s->data, s->cap);
	s->data = (uint8_t *)(uintptr_t)kept;
	s->shared = true;
	s->cap = 0;
}

#define MAX_PARTS 11

int flow_snapshot(struct flow **fp, struct pager *p, struct payload_store *store, uint64_t *place)
{
	struct flow *f = *fp;
	uint32_t head[2 + HEAD_WORDS], *to = head + 1; /* pack writes one word ahead */
	struct bytes part[MAX_PARTS];
	size_t n = 1;
	const struct stream *other = NULL;

	for (int i = 0; i < 2; i++) {
		struct stream *s = f->dir[i].stream;
		if (s)
			share(s, store);
		if (s && s != &f->own)
			other = s;
	}
	to = pack(to, f, WORDS(struct flow));
	if (other)
		to = pack(to, other, WORDS(struct stream));
	head[0] = (uint32_t)(to - head - 1);
	part[0] = bytes_of(head, (size_t)(to - head) * sizeof *head);
	if (f->tunnel)
		part[n++] = bytes_of(f->tunnel, sizeof *f->tunnel);
	for (int i = 0; i < 2; i++) {
		const struct stream *s = f->dir[i].stream;
		const struct buf *b = f->dir[i].rst;
		if (s && !s->shared)
			part[n++] = bytes_of(s->data, s->len);
		if (s)
			part[n++] = bytes_of(s->gaps, s->ngaps * sizeof *s->gaps);
		if (b) {
			part[n++] = bytes_of(&b->n, sizeof b->n);
			part[n++] = bytes_of(b->p, b->n);
		}
	}
	int rc = pager_write(p, part, n, place);
	if (!rc)
		flow_free(fp);
	return rc;
}

struct source {
	struct pager *p;
	uint64_t at;
	int rc;
};

static void get(struct source *s, void *out, size_t n)
{
	if (s->rc || !n)
		return;
	s->rc = pager_read(s->p, s->at, out, n);
	s->at += n;
}

static void *get_new(struct source *s, size_t n)
{
	if (s->rc || !n)
		return NULL;
	void *out = malloc(n);
	if (!out)
		s->rc = -ENOMEM;
	else
		get(s, out, n);
	return out;
}

/* get_stream: what the struct does not hold itself. */
static void get_stream(struct source *s, struct stream *st)
{
	st->gaps = NULL;
	st->gaps_cap = st->ngaps;
	if (!st->shared) {
		st->cap = st->len;
		st->data = NULL;
		if (!s->rc && st->len) {
			st->data = block_take(st->cap);
			if (!st->data)
				s->rc = -ENOMEM;
			get(s, st->data, st->len);
		}
	}
	st->gaps = get_new(s, st->ngaps * sizeof *st->gaps);
}

static struct buf *get_rst(struct source *s)
{
	size_t n = 0;

	get(s, &n, sizeof n);
	uint8_t *bytes = get_new(s, n < FLOW_MAX_RST ? n : FLOW_MAX_RST);
	struct buf *b = s->rc ? NULL : malloc(sizeof *b);
	if (b) {
		buf_init(b, FLOW_MAX_RST);
		buf_add(b, bytes, n);
	} else if (!s->rc) {
		s->rc = -ENOMEM;
	}
	free(bytes);
	return b;
}

int flow_restore(struct pager *p, uint64_t place, struct flow **out)
{
	struct source s = {.p = p, .at = place};
	uint32_t head[HEAD_WORDS], words = 0;
	struct flow *f = block_take(sizeof *f);
	struct stream *other = NULL;
	bool has_stream[2], has_rst[2];

	*out = NULL;
	if (!f)
		return -ENOMEM;
	get(&s, &words, sizeof words);
	if (words > HEAD_WORDS)
		s.rc = -EIO;
	get(&s, head, words * sizeof *head);
	if (s.rc) {
		memset(f, 0, sizeof *f);
		flow_free(&f);
		return s.rc;
	}
	const uint32_t *rest = unpack(head, f, WORDS(struct flow));
	bool has_tunnel = f->tunnel;
	f->tunnel = NULL;
	for (int i = 0; i < 2; i++) {
		has_stream[i] = f->dir[i].stream;
		has_rst[i] = f->dir[i].rst;
		f->dir[i].stream = NULL;
		f->dir[i].rst = NULL;
	}
	if (has_stream[0] && has_stream[1]) {
		other = malloc(sizeof *other);
		if (other)
			unpack(rest, other, WORDS(struct stream));
		else
			s.rc = -ENOMEM;
	}
	if (has_tunnel)
		f->tunnel = get_new(&s, sizeof *f->tunnel);
	for (int i = 0; i < 2; i++) {
		if (has_stream[i] && !s.rc) {
			f->dir[i].stream = i == f->own_dir ? &f->own : other;
			get_stream(&s, f->dir[i].stream);
		}
		if (has_rst[i] && !s.rc)
			f->dir[i].rst = get_rst(&s);
	}
	if (s.rc) {
		if (other && f->dir[!f->own_dir].stream != other)
			free(other);
		flow_free(&f);
		return s.rc;
	}
	*out = f;
	return 0;
}

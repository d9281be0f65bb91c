#include "logptn/lib/state.h"

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

static const char magic[7] = "LOGPTN";

static void put(struct buf *b, uint64_t v)
{
	uint8_t x[8];

	for (int i = 0; i < 8; i++)
		x[i] = (uint8_t)(v >> (8 * i));
	buf_add(b, x, sizeof x);
}

static void put_skel(struct buf *b, const struct skel *s)
{
	put(b, s->len);
	buf_add(b, s->text, s->len);
	put(b, s->lines);
	put(b, s->records);
	put(b, s->first_ns);
	put(b, s->last_ns);
	put(b, s->known);
	buf_add(b, s->format, sizeof s->format - 1);
	put(b, s->nslots);
	for (uint32_t i = 0; i < s->nslots; i++) {
		put(b, s->slot[i].chars);
		put(b, s->slot[i].types);
	}
	put(b, s->tags ? s->tags->n : 0);
	for (uint32_t i = 0; s->tags && i < s->tags->n; i++) {
		put(b, s->tags->v[i].tag);
		put(b, s->tags->v[i].lines);
	}
	put(b, s->tags ? s->tags->other : 0);
	put(b, s->nsamples);
	for (unsigned i = 0; i < s->nsamples; i++) {
		put(b, s->sample[i]->hash);
		put(b, s->sample[i]->lines);
		put(b, s->sample[i]->cut);
		put(b, s->sample[i]->len);
		buf_add(b, s->sample[i]->text, s->sample[i]->len);
	}
}

int state_save(const struct skels *t, struct buf *out)
{
	struct buf body;
	uint8_t version = STATE_VERSION, sum[SHA256_DIGEST_LENGTH];
	size_t start = out->n;

	buf_init(&body, STATE_MAX);
	put(&body, t->lines);
	put(&body, t->coarse);
	put(&body, t->n);
	for (uint32_t i = 0; i < t->n; i++)
		put_skel(&body, &t->v[i]);
	buf_add(out, magic, sizeof magic);
	buf_add(out, &version, 1);
	put(out, body.n);
	buf_add(out, body.p, body.n);
	if (!body.failed && !out->failed) {
		SHA256(out->p + start, out->n - start, sum);
		buf_add(out, sum, sizeof sum);
	}
	buf_fini(&body);
	return body.failed || out->failed ? -ENOMEM : 0;
}

/* A cursor with a sticky error. */
struct reader {
	const uint8_t *p;
	size_t n;
	bool bad;
};

static const uint8_t *take(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || n > r->n) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	r->n -= n;
	return p;
}

/* A number of at most `most`. */
static uint64_t get(struct reader *r, uint64_t most)
{
	const uint8_t *p = take(r, 8);
	uint64_t v = 0;

	if (!p)
		return 0;
	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	if (v > most) {
		r->bad = true;
		return 0;
	}
	return v;
}

/* Whether text is a skeleton with this many values. */
static bool is_skeleton(const uint8_t *text, size_t n, uint64_t nslots)
{
	size_t tokens = 0, values = 0;

	for (size_t i = 0; i < n; i++) {
		if (!i && text[i] > TEXT_PUNCT)
			return false;
		if (!text[i] || (text[i] < 0x20 && text[i] > TEXT_PUNCT))
			return false;
		if (text[i] <= TEXT_PUNCT) {
			tokens++;
			values += text[i] == TEXT_VALUE;
		} else if (text[i - 1] == TEXT_VALUE) {
			return false;
		}
	}
	return tokens <= TOK_MAX && values == nslots;
}

static bool is_id(const uint8_t *p)
{
	if (!p[0]) {
		for (size_t i = 0; i < 64; i++)
			if (p[i])
				return false;
		return true;
	}
	for (size_t i = 0; i < 64; i++)
		if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f')))
			return false;
	return true;
}

static void get_skel(struct reader *r, struct skels *t)
{
	struct slot slots[TOK_MAX];
	size_t len = get(r, SKEL_TEXT_MAX + 3 * TOK_MAX);
	const uint8_t *text = take(r, len), *id, *line;
	uint64_t lines = get(r, UINT64_MAX), records = get(r, lines), first = get(r, UINT64_MAX);
	uint64_t last = get(r, UINT64_MAX), known = get(r, 1), n, other;
	uint32_t k;

	id = take(r, 64);
	n = get(r, TOK_MAX);
	for (uint64_t i = 0; !r->bad && i < n; i++) {
		slots[i].chars = get(r, UINT64_MAX);
		slots[i].types = (uint16_t)get(r, (1u << TYPE_COUNT) - 1);
	}
	if (r->bad || !is_skeleton(text, len, n) || !is_id(id)) {
		r->bad = true;
		return;
	}
	k = skels_put(t, text, len, slots, (uint32_t)n);
	if (k == SKEL_NONE)
		return;
	t->v[k].lines += lines;
	t->v[k].records += records;
	t->v[k].first_ns = first;
	t->v[k].last_ns = last;
	t->v[k].known = known;
	memcpy(t->v[k].format, id, 64);
	n = get(r, SKEL_TAGS);
	for (uint64_t i = 0; !r->bad && i < n; i++) {
		uint32_t tag = (uint32_t)get(r, UINT32_MAX);

		skels_tag(t, k, tag, get(r, UINT64_MAX));
	}
	other = get(r, UINT64_MAX);
	if (t->v[k].tags)
		t->v[k].tags->other += other;
	n = get(r, UINT8_MAX);
	for (uint64_t i = 0; !r->bad && i < n; i++) {
		uint64_t hash = get(r, UINT64_MAX), count = get(r, records), cut = get(r, 1);

		len = get(r, SAMPLE_TEXT_MAX);
		line = take(r, len);
		if (line)
			skels_put_sample(t, k, hash, count, line, len, cut);
	}
}

int state_load(struct skels *t, struct bytes in)
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	struct reader r = {in.p, in.n, false};
	const uint8_t *head = take(&r, sizeof magic), *version = take(&r, 1);
	uint64_t len = get(&r, STATE_MAX), n;
	struct skels loaded;
	int e;

	if (!head || !version || memcmp(head, magic, sizeof magic))
		return -EBADMSG;
	if (*version != STATE_VERSION)
		return -EPROTONOSUPPORT;
	if (r.bad || r.n < sizeof sum || len != r.n - sizeof sum)
		return -EBADMSG;
	SHA256(in.p, in.n - sizeof sum, sum);
	if (memcmp(sum, r.p + len, sizeof sum))
		return -EBADMSG;
	r.n = len;
	e = skels_init(&loaded);
	if (e)
		return e;
	loaded.lines = get(&r, UINT64_MAX);
	loaded.coarse = get(&r, UINT64_MAX);
	n = get(&r, SKELS_MAX);
	for (uint64_t i = 0; !r.bad && i < n; i++)
		get_skel(&r, &loaded);
	if (r.bad || r.n || loaded.n != n)
		e = loaded.failed ? -ENOMEM : -EBADMSG;
	if (!e)
		skels_union(t, &loaded);
	skels_fini(&loaded);
	return e ? e : t->failed ? -ENOMEM : 0;
}

#include "logptn/lib/model_state.h"

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

#include "logptn/lib/cursor.h"
#include "logptn/lib/intake/intake.h"

static const char magic[7] = "LOGPTN";

static void put_skel(struct buf *b, const struct skel *s)
{
	cursor_put(b, s->len);
	buf_add(b, s->text, s->len);
	cursor_put(b, s->lines);
	cursor_put(b, s->records);
	cursor_put(b, s->first_ns);
	cursor_put(b, s->last_ns);
	cursor_put(b, s->known);
	buf_add(b, s->format, sizeof s->format - 1);
	cursor_put(b, s->nslots);
	for (uint32_t i = 0; i < s->nslots; i++) {
		cursor_put(b, s->slot[i].chars);
		cursor_put(b, s->slot[i].types);
	}
	cursor_put(b, s->tags ? s->tags->n : 0);
	for (uint32_t i = 0; s->tags && i < s->tags->n; i++) {
		cursor_put(b, s->tags->v[i].tag);
		cursor_put(b, s->tags->v[i].lines);
	}
	cursor_put(b, s->tags ? s->tags->other : 0);
	cursor_put(b, s->nsamples);
	for (unsigned i = 0; i < s->nsamples; i++) {
		cursor_put(b, s->sample[i]->hash);
		cursor_put(b, s->sample[i]->lines);
		cursor_put(b, s->sample[i]->cut);
		cursor_put(b, s->sample[i]->len);
		buf_add(b, s->sample[i]->text, s->sample[i]->len);
	}
}

int model_state_save(const struct skels *t, struct buf *out)
{
	struct buf body;
	uint8_t version = MODEL_STATE_VERSION, sum[SHA256_DIGEST_LENGTH];
	size_t start = out->n;

	buf_init(&body, MODEL_STATE_MAX);
	cursor_put(&body, t->lines);
	cursor_put(&body, t->coarse);
	cursor_put(&body, t->n);
	for (uint32_t i = 0; i < t->n; i++)
		put_skel(&body, &t->v[i]);
	buf_add(out, magic, sizeof magic);
	buf_add(out, &version, 1);
	cursor_put(out, body.n);
	buf_add(out, body.p, body.n);
	if (!body.failed && !out->failed) {
		SHA256(out->p + start, out->n - start, sum);
		buf_add(out, sum, sizeof sum);
	}
	buf_fini(&body);
	return body.failed || out->failed ? -ENOMEM : 0;
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

static void get_skel(struct cursor *r, struct skels *t)
{
	struct slot slots[TOK_MAX];
	size_t len = cursor_get(r, SKEL_TEXT_MAX + 3 * TOK_MAX);
	const uint8_t *text = cursor_take(r, len), *id, *line;
	uint64_t lines = cursor_get(r, UINT64_MAX), records = cursor_get(r, lines),
		 first = cursor_get(r, UINT64_MAX);
	uint64_t last = cursor_get(r, UINT64_MAX), known = cursor_get(r, 1), n, other;
	uint32_t k;

	id = cursor_take(r, 64);
	n = cursor_get(r, TOK_MAX);
	for (uint64_t i = 0; !r->bad && i < n; i++) {
		slots[i].chars = cursor_get(r, UINT64_MAX);
		slots[i].types = (uint16_t)cursor_get(r, (1u << TYPE_COUNT) - 1);
	}
	if (r->bad || !is_skeleton(text, len, n) || !is_id(id)) {
		r->bad = true;
		return;
	}
	k = intake_put(t, text, len, slots, (uint32_t)n);
	if (k == SKEL_NONE)
		return;
	t->v[k].lines += lines;
	t->v[k].records += records;
	t->v[k].first_ns = first;
	t->v[k].last_ns = last;
	t->v[k].known = known;
	memcpy(t->v[k].format, id, 64);
	n = cursor_get(r, SKEL_TAGS);
	for (uint64_t i = 0; !r->bad && i < n; i++) {
		uint32_t tag = (uint32_t)cursor_get(r, UINT32_MAX);

		skels_tag(t, k, tag, cursor_get(r, UINT64_MAX));
	}
	other = cursor_get(r, UINT64_MAX);
	if (t->v[k].tags)
		t->v[k].tags->other += other;
	n = cursor_get(r, UINT8_MAX);
	for (uint64_t i = 0; !r->bad && i < n; i++) {
		uint64_t hash = cursor_get(r, UINT64_MAX), count = cursor_get(r, records),
			 cut = cursor_get(r, 1);

		len = cursor_get(r, SAMPLE_TEXT_MAX);
		line = cursor_take(r, len);
		if (line)
			skels_put_sample(t, k, hash, count, line, len, cut);
	}
}

int model_state_load(struct skels *t, struct bytes in)
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	struct cursor r = {in.p, in.n, false};
	const uint8_t *head = cursor_take(&r, sizeof magic), *version = cursor_take(&r, 1);
	uint64_t len = cursor_get(&r, MODEL_STATE_MAX), n;
	struct skels loaded;
	int e;

	if (!head || !version || memcmp(head, magic, sizeof magic))
		return -EBADMSG;
	if (*version != MODEL_STATE_VERSION)
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
	loaded.lines = cursor_get(&r, UINT64_MAX);
	loaded.coarse = cursor_get(&r, UINT64_MAX);
	loaded.max = SKELS_MAX + SKELS_COARSE(SKELS_MAX) + 1;
	n = cursor_get(&r, loaded.max);
	for (uint64_t i = 0; !r.bad && i < n; i++)
		get_skel(&r, &loaded);
	if (r.bad || r.n || loaded.n != n)
		e = loaded.failed ? -ENOMEM : -EBADMSG;
	if (!e)
		intake_union(t, &loaded);
	skels_fini(&loaded);
	return e ? e : t->failed ? -ENOMEM : 0;
}

/*
 * The samples of skeletons: the lines with the smallest hashes, so that the choice does not depend
 * on the order of lines. Fewer samples are a subset of more.
 */
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/skel/skel.h"

/* Bytes of all samples. Beyond this, samples thin out, so that they cannot outweigh the rest. */
#define SAMPLE_BYTES (16u << 20)

unsigned skels_samples(const struct skels *t)
{
	if (t->sample_bytes > SAMPLE_BYTES)
		return 1;
	return t->n <= 512 ? SKEL_SAMPLES_MAX : t->n <= 4096 ? 8 : 3;
}

/* The sample with the largest hash goes. */
static void sample_drop(struct skels *t, struct skel *s)
{
	struct sample *last = s->sample[--s->nsamples];

	t->sample_bytes -= last->len;
	free(last);
}

static void sample_bound(struct skel *s, unsigned most)
{
	s->worst = s->nsamples < most ? UINT64_MAX : s->sample[s->nsamples - 1]->hash;
}

void skels_thin(struct skels *t)
{
	unsigned most = skels_samples(t);

	for (uint32_t i = 0; i < t->n; i++) {
		struct skel *s = &t->v[i];

		while (s->nsamples > most)
			sample_drop(t, s);
		sample_bound(s, most);
	}
}

void skels_put_sample(struct skels *t, uint32_t k, uint64_t hash, uint64_t lines,
		      const uint8_t *line, size_t n, bool cut)
{
	struct skel *s = &t->v[k];
	unsigned most = skels_samples(t), at = s->nsamples;
	struct sample *x;

	while (at && s->sample[at - 1]->hash > hash)
		at--;
	if (at && s->sample[at - 1]->hash == hash) {
		s->sample[at - 1]->lines += lines;
		return;
	}
	if (at >= most)
		return;
	if (n > SAMPLE_TEXT_MAX) {
		n = SAMPLE_TEXT_MAX;
		cut = true;
	}
	x = malloc(sizeof *x + n + SHAPE_SLACK);
	if (!x)
		return;
	*x = (struct sample){.hash = hash, .lines = lines, .len = (uint32_t)n, .cut = cut};
	memcpy(x->text, line, n);
	memset(x->text + n, 0, SHAPE_SLACK);
	while (s->nsamples >= most)
		sample_drop(t, s);
	memmove(s->sample + at + 1, s->sample + at, (s->nsamples - at) * sizeof *s->sample);
	s->sample[at] = x;
	s->nsamples++;
	t->sample_bytes += n;
	sample_bound(s, most);
}

#include "logptn/cmd/learn.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logptn/lib/intake/intake.h"

/* Bytes a thread takes at a time. */
#define BLOCK ((size_t)1 << 20)

void learn_block(struct skels *t, const struct lines_rule *rule, const uint8_t *p, size_t n)
{
	struct lines_record record = {0};
	const uint8_t *line;
	size_t at = 0, len;
	uint32_t skel = SKEL_NONE;

	while (lines_next(p, n, &at, &line, &len, NULL)) {
		if (lines_continues(rule, &record, line, len) && skel != SKEL_NONE)
			skels_more(t, skel);
		else
			skel = intake_add(t, line, len);
	}
}

struct work {
	const struct input *in;
	size_t n;
	const struct lines_rule *rule;
	atomic_size_t next; /* block to take next, counted over all inputs */
	atomic_size_t *done;
};

struct worker {
	pthread_t thread;
	struct work *work;
	struct skels t;
	int error;
};

/* The first start of a record at or behind `at`: where a block that begins there really begins. */
static size_t record_start(const struct input *in, const struct lines_rule *rule, size_t at)
{
	const uint8_t *line, *nl;
	size_t len;

	if (!at || at >= in->n)
		return at < in->n ? at : in->n;
	nl = memchr(in->p + at - 1, '\n', in->n - at + 1);
	at = nl ? (size_t)(nl - in->p) + 1 : in->n;
	for (size_t next = at; lines_next(in->p, in->n, &next, &line, &len, NULL); at = next)
		if (lines_starts(rule, line, len))
			break;
	return at;
}

/* Block k over all inputs: which input, and which of its blocks. */
static const struct input *locate(const struct work *w, size_t *k)
{
	for (size_t i = 0; i < w->n; i++) {
		size_t blocks = (w->in[i].n + BLOCK - 1) / BLOCK;

		if (*k < blocks)
			return &w->in[i];
		*k -= blocks;
	}
	return NULL;
}

static void *run(void *arg)
{
	struct worker *me = arg;
	struct work *w = me->work;

	for (;;) {
		size_t k = atomic_fetch_add(&w->next, 1), from, to;
		const struct input *in = locate(w, &k);

		if (!in)
			return NULL;
		from = record_start(in, w->rule, k * BLOCK);
		to = record_start(in, w->rule, (k + 1) * BLOCK);
		if (from < to)
			learn_block(&me->t, w->rule, in->p + from, to - from);
		atomic_fetch_add(w->done, in->n - k * BLOCK < BLOCK ? in->n - k * BLOCK : BLOCK);
	}
}

int learn(const struct input *in, size_t n, const struct lines_rule *rule, unsigned threads,
	  struct skels *t, atomic_size_t *done)
{
	struct work w = {.in = in, .n = n, .rule = rule, .done = done};
	struct worker *v;
	size_t blocks = 0;
	unsigned started = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		blocks += (in[i].n + BLOCK - 1) / BLOCK;
	if (!threads) {
		long cpus = sysconf(_SC_NPROCESSORS_ONLN);

		threads = cpus > 0 && cpus < 256 ? (unsigned)cpus : 1;
	}
	if (threads > blocks / 4 + 1)
		threads = (unsigned)(blocks / 4 + 1);
	v = calloc(threads, sizeof *v);
	if (!v)
		return -ENOMEM;
	for (unsigned i = 0; i < threads; i++) {
		v[i].work = &w;
		r = skels_init(&v[i].t);
		if (r)
			break;
		started++;
		if (i && pthread_create(&v[i].thread, NULL, run, &v[i])) {
			skels_fini(&v[i].t);
			started--;
			break; /* fewer threads do it too */
		}
	}
	if (started)
		run(&v[0]);
	for (unsigned i = 1; i < started; i++)
		pthread_join(v[i].thread, NULL);
	for (unsigned i = 0; i < started; i++) {
		intake_union(t, &v[i].t);
		skels_fini(&v[i].t);
	}
	free(v);
	return t->failed ? -ENOMEM : started ? 0 : r;
}

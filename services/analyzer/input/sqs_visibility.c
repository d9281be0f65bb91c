#include <string.h>

#include "input/sqs_worker.h"

/* The message is visible again, or about to be: another worker will receive it. */
static void visibility_expire(struct input_sqs *w, struct inflight_message *m, const char *why)
{
	if (m->state != INFLIGHT_READY)
		return; /* it is finished all the same */
	w->serve->count[ANALYZER_SQS_EXPIRED]++;
	log_warn("message cannot be kept", "id=%s receives=%u error=\"%s\"", m->id, m->receives,
		 why);
	inflight_drop(m);
}

static void visibility_on_kept(void *arg, const struct sqs_end *end)
{
	struct input_sqs *w = arg;

	w->keeping = false;
	if (end->result != OUTCOME_OK) {
		w->serve->count[ANALYZER_SQS_ERRORS]++;
		input_sqs_failed(&w->visibility, "visibility", &(struct attempts){.n = 1},
				 end->result, end->why, 0);
		return; /* the next round is soon */
	}
	retry_passed(&w->visibility);
	for (size_t i = 0; i < w->kept.n; i++) {
		struct inflight_message *m = inflight_of(&w->kept, i);
		if (!m)
			continue;
		if (end->gone >> i & 1) {
			visibility_expire(w, m, "SQS has given it to another");
		} else if (!(end->failed >> i & 1)) {
			m->until_ns = w->kept_ns + sqs_visible_ns(w);
			w->serve->count[ANALYZER_SQS_EXTENDED]++;
		}
	}
	if (!w->draining && w->kept.n == SQS_BATCH)
		sqs_visibility_keep(w); /* there may be more */
}

void sqs_visibility_keep(void *arg)
{
	struct input_sqs *w = arg;
	uint64_t now = clock_mono_ns();
	const uint64_t longest = SQS_HELD_MAX_S * NS_PER_S - sqs_visible_ns(w);

	for (size_t i = 0; i < w->inflight.n; i++) {
		struct inflight_message *m = &w->inflight.v[i];
		if (m->state == INFLIGHT_READY &&
		    (m->until_ns <= now || now - m->since_ns > longest))
			visibility_expire(w, m,
					  m->until_ns <= now ? "its time ran out"
							     : "12 hours are over");
	}
	if (w->keeping)
		return;
	inflight_short(&w->inflight, now, sqs_visible_ns(w) / 2, &w->kept);
	if (!w->kept.n)
		return;
	for (size_t i = 0; i < w->kept.n; i++)
		w->seconds[i] = (unsigned)w->serve->conf->sqs_visibility_s;
	w->keeping = true;
	w->kept_ns = now;
	sqs_keep(w->sqs, w->kept.handles, w->seconds, w->kept.n, visibility_on_kept, w);
}

void sqs_visibility_give_back(struct input_sqs *w)
{
	if (w->keeping)
		return;
	inflight_all(&w->inflight, &w->kept);
	w->keeping = w->kept.n > 0;
	if (!w->keeping)
		return;
	memset(w->seconds, 0, sizeof w->seconds);
	sqs_keep(w->sqs, w->kept.handles, w->seconds, w->kept.n, visibility_on_kept, w);
	w->serve->count[ANALYZER_SQS_GIVEN_BACK] += w->kept.n;
	for (size_t i = 0; i < w->kept.n; i++)
		inflight_drop(w->kept.m[i]);
}

#include "record/history.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>

/* A scanner's second phase comes within minutes; a day covers the slow ones. */
#define PHASE_WINDOW_NS (24u * 3600 * (uint64_t)1000000000)

int history_init(struct history *h, size_t max_classes, size_t max_sources)
{
	uint8_t seed[16];

	*h = (struct history){0};
	if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		return -EIO;
	int rc = class_seen_new(max_classes, &h->seen);
	if (!rc)
		rc = who_phase_new(max_sources, PHASE_WINDOW_NS, seed, &h->phase);
	if (rc)
		history_fini(h);
	return rc;
}

void history_fini(struct history *h)
{
	class_seen_free(&h->seen);
	who_phase_free(&h->phase);
}

void history_of(const struct record *r, const struct flow *f, struct history_in *out)
{
	bool ours = f->key.proto == IPPROTO_TCP && f->syn_dir == r->initiator && !f->tunnel;

	out->src = r->src;
	out->ts_ns = f->first_ns;
	out->bare = ours && !f->dir[r->initiator].proved && !r->m.payload.n;
	out->real = ours && f->dir[r->initiator].proved;
	if (out->bare)
		out->syn = f->syn;
	out->tool = r->tool;
	out->classed = r->known->classed;
	memcpy(out->class, r->known->class_id, sizeof out->class);
}

void history_note(struct history *h, const struct history_in *in, struct history_out *out)
{
	struct who_first first;

	*out = (struct history_out){.tool = in->tool};
	if (in->classed)
		out->first_seen = class_seen_note_id(h->seen, in->class, in->ts_ns);
	if (in->bare)
		who_phase_bare(h->phase, &in->src, &in->syn, in->ts_ns, &out->tool);
	else if (in->real)
		out->two_phase = who_phase_real(h->phase, &in->src, in->ts_ns, &first);
}

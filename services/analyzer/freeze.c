#include "freeze.h"

#include <errno.h>
#include <stdlib.h>

/* On disk, one after another: the flow's struct, its SYN, its tunnel, and for each direction the
 * stream's struct, data and gaps, and the RST bytes with their length. Only this process reads it:
 * pointers stay in the structs and say which parts follow. */

bool flow_can_freeze(const struct flow *f)
{
	for (int i = 0; i < 2; i++)
		if (f->dir[i].doubted ||
		    (f->dir[i].stream && (f->dir[i].stream->ahead || f->dir[i].stream->low)))
			return false;
	return true;
}

static int put(struct pager *p, const void *data, size_t n)
{
	uint64_t place;
	return n ? pager_write(p, data, n, &place) : 0;
}

int flow_freeze(struct flow **fp, struct pager *p, uint64_t *place)
{
	struct flow *f = *fp;
	int rc = pager_write(p, f, sizeof *f, place);

	if (!rc && f->syn)
		rc = put(p, f->syn, sizeof *f->syn);
	if (!rc && f->tunnel)
		rc = put(p, f->tunnel, sizeof *f->tunnel);
	for (int i = 0; i < 2 && !rc; i++) {
		const struct stream *s = f->dir[i].stream;
		const struct buf *b = f->dir[i].rst;
		if (s) {
			rc = put(p, s, sizeof *s);
			if (!rc)
				rc = put(p, s->data, s->len);
			if (!rc)
				rc = put(p, s->gaps, s->ngaps * sizeof *s->gaps);
		}
		if (b && !rc) {
			rc = put(p, &b->n, sizeof b->n);
			if (!rc)
				rc = put(p, b->p, b->n);
		}
	}
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

static struct stream *get_stream(struct source *s)
{
	struct stream *st = get_new(s, sizeof *st);

	if (!st)
		return NULL;
	if (s->rc) {
		*st = (struct stream){0};
		return st;
	}
	st->data = NULL;
	st->gaps = NULL;
	st->cap = st->len;
	st->gaps_cap = st->ngaps;
	st->data = get_new(s, st->len);
	st->gaps = get_new(s, st->ngaps * sizeof *st->gaps);
	return st;
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

int flow_thaw(struct pager *p, uint64_t place, struct flow **out)
{
	struct source s = {.p = p, .at = place};
	struct flow kept;
	struct flow *f = get_new(&s, sizeof *f);

	*out = NULL;
	if (!f)
		return s.rc;
	if (s.rc) {
		free(f);
		return s.rc;
	}
	kept = *f;
	f->syn = NULL;
	f->tunnel = NULL;
	for (int i = 0; i < 2; i++) {
		f->dir[i].stream = NULL;
		f->dir[i].rst = NULL;
	}
	if (kept.syn)
		f->syn = get_new(&s, sizeof *f->syn);
	if (kept.tunnel)
		f->tunnel = get_new(&s, sizeof *f->tunnel);
	for (int i = 0; i < 2; i++) {
		if (kept.dir[i].stream)
			f->dir[i].stream = get_stream(&s);
		if (kept.dir[i].rst)
			f->dir[i].rst = get_rst(&s);
	}
	if (s.rc) {
		flow_free(&f);
		return s.rc;
	}
	*out = f;
	return 0;
}

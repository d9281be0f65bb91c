#include "reassembly/byte_stream.h"

#include <stdlib.h>
#include <string.h>

#include "reassembly/block_pool.h"

/* A receiver without window scaling takes this much (RFC 9293 3.1). */
#define PLAIN_WINDOW 65535u

static void drop_data(struct stream *s)
{
	if (!s->shared)
		block_give(s->data, s->cap);
}

void stream_fini(struct stream *s)
{
	drop_data(s);
	free(s->gaps);
	if (s->ahead)
		window_free(&s->ahead);
	if (s->low)
		window_free(&s->low);
	*s = (struct stream){0};
}

size_t stream_memory(const struct stream *s)
{
	size_t n = s->cap + s->gaps_cap * sizeof *s->gaps;

	return s->ahead || s->low ? n + window_memory(s->ahead) + window_memory(s->low) : n;
}

static void begin(struct stream *s, uint32_t seq, bool guessed)
{
	s->origin_seq = seq;
	s->has_origin = true;
	s->guessed = guessed;
	s->floor = guessed ? 0 : STREAM_ORIGIN;
	s->next = s->acked = s->high = STREAM_ORIGIN;
}

/* offset_of: may be negative: before everything that has an offset. */
static int64_t offset_of(const struct stream *s, uint32_t seq)
{
	uint32_t next_seq = s->origin_seq + (uint32_t)(s->next - STREAM_ORIGIN);
	return (int64_t)s->next + (int32_t)(seq - next_seq);
}

bool stream_accepts_syn(const struct stream *s, uint32_t isn)
{
	if (!s->has_origin)
		return true;
	int32_t before = (int32_t)(s->origin_seq - (isn + 1));
	if (!s->guessed)
		return before == 0 || s->floor == STREAM_ORIGIN - (uint64_t)(int64_t)before;
	return before >= 0 && (uint64_t)before <= STREAM_ORIGIN;
}

bool stream_syn(struct stream *s, uint32_t isn)
{
	if (!stream_accepts_syn(s, isn))
		return false;
	if (!s->has_origin) {
		begin(s, isn + 1, false);
	} else if (s->guessed) {
		s->guessed = false;
		s->floor = STREAM_ORIGIN - (s->origin_seq - (isn + 1));
	}
	return true;
}

/* room: makes data large enough for want bytes; false without memory. */
static bool room(struct stream *s, const struct stream_limits *l, uint32_t want)
{
	if (want <= s->cap)
		return true;
	/* The first bytes get what they need: most flows have one segment. */
	uint32_t cap = s->cap ? (s->cap > l->max_bytes / 2 ? l->max_bytes : s->cap * 2)
			      : (want + 15) & ~15u;
	if (cap < want)
		cap = want;
	uint8_t *grown = block_take(cap);
	if (!grown)
		return false;
	if (s->len)
		memcpy(grown, s->data, s->len);
	drop_data(s);
	s->shared = false;
	s->data = grown;
	s->cap = cap;
	return true;
}

/* extend: the run grows by n bytes of p, or of NUL without p; what is over the limit is only
 * counted off. */
static void extend(struct stream *s, const struct stream_limits *l, const uint8_t *p, uint64_t n)
{
	uint32_t left = s->next - STREAM_ORIGIN == s->len && s->len < l->max_bytes
				? l->max_bytes - s->len
				: 0;
	uint32_t keep = n < left ? (uint32_t)n : left;

	if (keep < n)
		s->cut |= STREAM_CUT_BYTES;
	if (keep && !room(s, l, s->len + keep)) {
		s->cut |= STREAM_CUT_MEMORY;
		keep = 0;
	}
	if (keep) {
		if (p)
			memcpy(s->data + s->len, p, keep);
		else
			memset(s->data + s->len, 0, keep);
		s->len += keep;
	}
	s->next += n;
}

/* drain: moves what now continues the run out of the window. */
static void drain(struct stream *s, const struct stream_limits *l)
{
	const uint8_t *p;
	size_t n;

	while (s->ahead && window_held(s->ahead) && (n = window_take(s->ahead, s->next, &p)))
		extend(s, l, p, n);
	if (s->ahead && s->next >= s->high)
		window_free(&s->ahead);
}

/* put_gap: makes [from, to) the gap number at, or lengthens the one before it. */
static bool put_gap(struct stream *s, uint32_t at, uint64_t from, uint64_t to)
{
	if (at && s->gaps[at - 1].to == from) {
		s->gaps[at - 1].to = to;
		return true;
	}
	if (s->ngaps == STREAM_MAX_GAPS)
		return false;
	if (s->ngaps == s->gaps_cap) {
		uint32_t cap = s->gaps_cap ? s->gaps_cap * 2 : 8;
		struct msg_span *grown = realloc(s->gaps, cap * sizeof *grown);
		if (!grown)
			return false;
		s->gaps = grown;
		s->gaps_cap = cap;
	}
	memmove(s->gaps + at + 1, s->gaps + at, (s->ngaps - at) * sizeof *s->gaps);
	s->gaps[at] = (struct msg_span){.from = from, .to = to};
	s->ngaps++;
	return true;
}

/* pass: gives up waiting: the run goes on to the offset to, with gaps where nothing came. */
static void pass(struct stream *s, const struct stream_limits *l, uint64_t to)
{
	while (s->next < to) {
		uint64_t found = s->ahead ? window_find(s->ahead, s->next, to) : to;
		if (found > s->next) {
			if (!put_gap(s, s->ngaps, s->next, found)) {
				/* Nothing more enters: the run's end stays where the list ended. */
				s->cut |= STREAM_CUT_GAPS;
				s->next = to > s->high ? to : s->high;
				window_free(&s->ahead);
				return;
			}
			extend(s, l, NULL, found - s->next);
		}
		if (s->ahead)
			drain(s, l);
	}
}

/* fill: bytes for [off, off + n) inside the run came (again): they fill gaps, else they must be
 * equal. */
static void fill(struct stream *s, uint64_t off, const uint8_t *p, size_t n)
{
	uint64_t stored = STREAM_ORIGIN + s->len, end = off + n;

	if (off >= stored)
		return;
	if (end > stored)
		end = stored;
	uint32_t lo = 0, hi = s->ngaps;
	while (lo < hi) { /* first gap that ends after off */
		uint32_t mid = (lo + hi) / 2;
		if (s->gaps[mid].to <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (off < end) {
		uint8_t *at = s->data + (off - STREAM_ORIGIN);
		struct msg_span *g = lo < s->ngaps && s->gaps[lo].from < end ? &s->gaps[lo] : NULL;
		uint64_t until = !g ? end : g->from > off ? g->from : g->to < end ? g->to : end;
		size_t step = (size_t)(until - off);
		if (!g || g->from > off) {
			if (memcmp(at, p, step) != 0)
				for (size_t i = 0; i < step; i++)
					s->conflicts += at[i] != p[i];
		} else {
			uint64_t from = g->from, to = g->to;
			if (from < off && until < to) {
				/* From the middle of a gap: it becomes two. Without room for that,
				 * the bytes stay missing. */
				if (!put_gap(s, lo + 1, until, to)) {
					s->cut |= STREAM_CUT_GAPS;
					return;
				}
				s->gaps[lo].to = off;
				lo++;
			} else if (from < off) {
				g->to = off;
				lo++;
			} else if (until < to) {
				g->from = until;
			} else {
				memmove(g, g + 1, (s->ngaps - lo - 1) * sizeof *g);
				s->ngaps--;
			}
			memcpy(at, p, step);
		}
		off += step;
		p += step;
	}
}

/* keep_low: bytes before the first segment seen. */
static void keep_low(struct stream *s, uint64_t off, const uint8_t *p, size_t n)
{
	if (!s->low)
		s->low = window_new((uint32_t)STREAM_ORIGIN);
	if (!s->low || window_put(s->low, off, p, n, &s->conflicts))
		s->cut |= STREAM_CUT_MEMORY;
}

static uint64_t window_of(const struct stream_limits *l, uint32_t peer_window)
{
	uint32_t w = peer_window ? peer_window : l->window;

	if (w < PLAIN_WINDOW)
		w = PLAIN_WINDOW;
	return w < l->window ? w : l->window;
}

/* place: n > 0 bytes at an offset at or above the floor. */
static void place(struct stream *s, const struct stream_limits *l, uint32_t peer_window,
		  uint64_t off, const uint8_t *p, size_t n)
{
	uint64_t window = window_of(l, peer_window);

	if (off < STREAM_ORIGIN) {
		size_t part = STREAM_ORIGIN - off < n ? (size_t)(STREAM_ORIGIN - off) : n;
		keep_low(s, off, p, part);
		off += part;
		p += part;
		n -= part;
	}
	if (n && off < s->next) {
		size_t part = s->next - off < n ? (size_t)(s->next - off) : n;
		fill(s, off, p, part);
		off += part;
		p += part;
		n -= part;
	}
	if (!n)
		return;
	uint64_t end = off + n;
	if (off > s->next && end > s->next + window && s->acked > s->next &&
	    end <= s->acked + window)
		/* The receiver has what is missing here: the capture does not. */
		pass(s, l, s->acked < off ? s->acked : off);
	if (off > s->next && end > s->next + window) {
		s->beyond++;
		/* The receiver would have taken it: it is our limit that turns it away. */
		if (end <= s->next + peer_window)
			s->cut |= STREAM_CUT_WINDOW;
		return;
	}
	if (off == s->next && !s->ahead) {
		extend(s, l, p, n);
	} else {
		/* Also in order: bytes that are waiting in the window came first. */
		if (!s->ahead)
			s->ahead = window_new(l->window + PLAIN_WINDOW);
		if (!s->ahead || window_put(s->ahead, off, p, n, &s->conflicts)) {
			s->cut |= STREAM_CUT_MEMORY;
			return;
		}
	}
	if (end > s->high)
		s->high = end;
	drain(s, l);
}

void stream_segment(struct stream *s, const struct stream_limits *l, uint32_t peer_window,
		    uint32_t seq, const uint8_t *p, size_t n, bool fin)
{
	uint64_t window = window_of(l, peer_window);

	if (!s->has_origin) {
		if (!n)
			return;
		begin(s, seq, true);
	}
	int64_t off = offset_of(s, seq);
	int64_t end = off + (int64_t)n;
	if (n && off < (int64_t)s->floor) {
		/* A keep-alive repeats one byte that was acknowledged: nothing to report. */
		size_t cut = end <= (int64_t)s->floor ? n : (size_t)((int64_t)s->floor - off);
		if (cut == n && n > 1)
			s->beyond++;
		p += cut;
		n -= cut;
		off += (int64_t)cut;
	}
	if (n && s->has_fin && end > (int64_t)s->fin) {
		size_t keep = off >= (int64_t)s->fin ? 0 : (size_t)((int64_t)s->fin - off);
		s->after_fin += n - keep;
		n = keep;
	}
	while (n) { /* a jumbogram in pieces that the window has room for */
		size_t step = n < PLAIN_WINDOW ? n : PLAIN_WINDOW;
		place(s, l, peer_window, (uint64_t)off, p, step);
		off += (int64_t)step;
		p += step;
		n -= step;
	}
	/* A FIN below bytes that are in the stream, or beyond the window, ends nothing. */
	uint64_t expected = s->acked > s->next ? s->acked : s->next;
	if (fin && !s->has_fin && end >= (int64_t)s->high && end <= (int64_t)(expected + window)) {
		s->has_fin = true;
		s->fin = (uint64_t)end;
	}
}

bool stream_keep_alive(const struct stream *s, uint32_t seq, const uint8_t *p, size_t n)
{
	return s->has_origin && n == 1 && offset_of(s, seq) == (int64_t)s->next - 1 &&
	       (s->acked >= s->next || *p == 0);
}

void stream_ack(struct stream *s, const struct stream_limits *l, uint32_t ack)
{
	if (!s->has_origin)
		return;
	int64_t off = offset_of(s, ack);
	if (off > (int64_t)s->acked && off - (int64_t)s->next <= (int64_t)l->max_bytes)
		s->acked = (uint64_t)off;
}

void stream_append(struct stream *s, const struct stream_limits *l, const uint8_t *p, size_t n)
{
	if (!s->has_origin)
		begin(s, 0, false);
	if (!n)
		return;
	extend(s, l, p, n);
	s->high = s->next;
}

/* prepend: the bytes in low go before the run, from the lowest that came (or from the floor, when a
 * SYN told it). */
static void prepend(struct stream *s, const struct stream_limits *l, uint64_t *first)
{
	uint64_t from = s->low ? window_find(s->low, s->floor, STREAM_ORIGIN) : STREAM_ORIGIN;

	*first = s->guessed ? from : s->floor;
	if (*first == STREAM_ORIGIN)
		return;
	uint32_t n = (uint32_t)(STREAM_ORIGIN - *first);
	uint32_t left = l->max_bytes > n ? l->max_bytes - n : 0;
	uint32_t keep = s->len < left ? s->len : left;
	uint8_t *whole = block_take(n + keep);
	if (!whole) {
		*first = STREAM_ORIGIN;
		s->cut |= STREAM_CUT_MEMORY;
		return;
	}
	memset(whole, 0, n);
	if (keep)
		memcpy(whole + n, s->data, keep);
	if (keep < s->len)
		s->cut |= STREAM_CUT_BYTES;
	uint32_t at = 0;
	for (uint64_t off = *first; off < STREAM_ORIGIN;) {
		const uint8_t *p;
		size_t got = s->low ? window_take(s->low, off, &p) : 0;
		if (got) {
			memcpy(whole + (off - *first), p, got);
			off += got;
			continue;
		}
		uint64_t to = s->low ? window_find(s->low, off, STREAM_ORIGIN) : STREAM_ORIGIN;
		if (!put_gap(s, at++, off, to))
			s->cut |= STREAM_CUT_GAPS;
		off = to;
	}
	drop_data(s);
	s->shared = false;
	s->data = whole;
	s->len = n + keep;
	s->cap = n + keep;
}

void stream_finish(struct stream *s, const struct stream_limits *l, struct stream_whole *out)
{
	uint64_t first = STREAM_ORIGIN;

	*out = (struct stream_whole){0};
	if (!s->has_origin)
		return;
	if (window_held(s->ahead))
		pass(s, l, s->high);
	window_free(&s->ahead);
	prepend(s, l, &first);
	window_free(&s->low);
	uint64_t end = first + s->len;
	uint32_t n = 0;
	for (uint32_t i = 0; i < s->ngaps; i++) {
		struct msg_span g = s->gaps[i];
		if (g.from >= end)
			break;
		if (g.to >= end) { /* a gap is between bytes: after the last there is none */
			s->len = (uint32_t)(g.from - first);
			break;
		}
		s->gaps[n++] = (struct msg_span){.from = g.from - first, .to = g.to - first};
	}
	s->ngaps = n;
	out->payload = (struct bytes){.p = s->data, .n = s->len};
	out->gaps = s->gaps;
	out->ngaps = n;
}

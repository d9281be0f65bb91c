#include "reassembly/window.h"

#include <stdlib.h>
#include <string.h>

#define PAGE  4096u
#define WORDS (PAGE / 64)

struct page {
	uint64_t number; /* offset / PAGE */
	uint64_t there[WORDS];
	uint8_t b[PAGE];
};

struct window {
	uint32_t npages; /* of the ring: one more than the span needs, as it may begin inside a page
			  */
	uint32_t used;
	size_t held;
	uint64_t below; /* no page has a number below this */
	struct page *page[];
};

struct window *window_new(uint32_t span)
{
	uint32_t npages = span / PAGE + 2;
	struct window *w = calloc(1, sizeof *w + npages * sizeof(struct page *));

	if (w)
		w->npages = npages;
	return w;
}

void window_free(struct window **w)
{
	if (!*w)
		return;
	for (uint32_t i = 0; i < (*w)->npages; i++)
		free((*w)->page[i]);
	free(*w);
	*w = NULL;
}

static struct page *find_page(const struct window *w, uint64_t number)
{
	struct page *g = w->page[number % w->npages];
	return g && g->number == number ? g : NULL;
}

static void drop_page(struct window *w, struct page **slot)
{
	for (unsigned i = 0; i < WORDS; i++)
		w->held -= (size_t)__builtin_popcountll((*slot)->there[i]);
	free(*slot);
	*slot = NULL;
	w->used--;
}

static struct page *need_page(struct window *w, uint64_t number)
{
	struct page **slot = &w->page[number % w->npages];

	if (*slot && (*slot)->number == number)
		return *slot;
	if (*slot)
		drop_page(w, slot);
	*slot = malloc(sizeof **slot);
	if (!*slot)
		return NULL;
	w->used++;
	(*slot)->number = number;
	memset((*slot)->there, 0, sizeof(*slot)->there);
	if (number < w->below)
		w->below = number;
	return *slot;
}

/* mask: the bits [from, to) of one word; from < to <= 64. */
static uint64_t mask(unsigned from, unsigned to)
{
	uint64_t upto = to == 64 ? ~(uint64_t)0 : ((uint64_t)1 << to) - 1;
	return upto & ~(((uint64_t)1 << from) - 1);
}

/* put_in_page: returns the number of bytes that were new. */
static size_t put_in_page(struct page *g, unsigned at, const uint8_t *p, unsigned n,
			  uint64_t *conflicts)
{
	size_t added = 0;

	for (unsigned done = 0; done < n;) {
		unsigned word = (at + done) / 64, from = (at + done) % 64;
		unsigned to = 64 - from < n - done ? 64 : from + (n - done);
		uint64_t want = mask(from, to), have = g->there[word] & want;
		uint8_t *b = g->b + word * 64;

		if (!have) {
			memcpy(b + from, p + done, to - from);
			added += to - from;
		} else {
			for (unsigned i = from; i < to; i++) {
				uint8_t v = p[done + i - from];
				if (!(have >> i & 1)) {
					b[i] = v;
					added++;
				} else if (b[i] != v) {
					++*conflicts;
				}
			}
		}
		g->there[word] |= want;
		done += to - from;
	}
	return added;
}

size_t window_put(struct window *w, uint64_t off, const uint8_t *p, size_t n, uint64_t *conflicts)
{
	while (n) {
		unsigned at = (unsigned)(off % PAGE);
		unsigned step = PAGE - at < n ? PAGE - at : (unsigned)n;
		struct page *g = need_page(w, off / PAGE);
		if (!g)
			return n;
		w->held += put_in_page(g, at, p, step, conflicts);
		off += step;
		p += step;
		n -= step;
	}
	return 0;
}

void window_drop(struct window *w, uint64_t off)
{
	uint64_t number = off / PAGE;

	if (number <= w->below)
		return;
	w->below = number;
	for (uint32_t i = 0; w->used && i < w->npages; i++)
		if (w->page[i] && w->page[i]->number < number)
			drop_page(w, &w->page[i]);
}

size_t window_take(struct window *w, uint64_t off, const uint8_t **p)
{
	window_drop(w, off);
	struct page *g = find_page(w, off / PAGE);
	if (!g)
		return 0;
	unsigned at = (unsigned)(off % PAGE), end = at;
	while (end < PAGE) {
		unsigned bit = end % 64;
		uint64_t missing = ~g->there[end / 64] >> bit;
		if (missing) {
			end += (unsigned)__builtin_ctzll(missing);
			break;
		}
		end += 64 - bit;
	}
	*p = g->b + at;
	return end - at;
}

uint64_t window_find(const struct window *w, uint64_t from, uint64_t to)
{
	while (from < to) {
		const struct page *g = find_page(w, from / PAGE);
		if (!g) {
			from = (from / PAGE + 1) * PAGE;
			continue;
		}
		unsigned bit = (unsigned)(from % 64);
		uint64_t have = g->there[from % PAGE / 64] >> bit;
		if (have) {
			from += (unsigned)__builtin_ctzll(have);
			break;
		}
		from += 64 - bit;
	}
	return from < to ? from : to;
}

size_t window_held(const struct window *w)
{
	return w ? w->held : 0;
}

size_t window_memory(const struct window *w)
{
	return w ? sizeof *w + w->npages * sizeof(struct page *) + w->used * sizeof(struct page)
		 : 0;
}

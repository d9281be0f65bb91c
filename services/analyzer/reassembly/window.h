/*
 * window: bytes of a stream that came before the bytes in front of them.
 *
 * A sparse array of pages, each with a bit a byte that says whether it is there, over a range of
 * stream offsets no wider than the window's span. Whatever the sizes and order of the segments, one
 * costs time for its own bytes only, and memory is at most 9/8 of the span plus the page table.
 *
 *   page table, a ring:  │ . │ P │ . │ P │ P │ . │      page number = offset / 4096, modulo the
 * ring
 *
 * The caller keeps [lowest, lowest + span) inside the range and drains in ascending order.
 */
#ifndef ANALYZER_WINDOW_H
#define ANALYZER_WINDOW_H

#include <stddef.h>
#include <stdint.h>

struct window;

/* window_new: for a range of at most span bytes at any time. NULL without memory. */
struct window *window_new(uint32_t span);
void window_free(struct window **w);

/* window_put: stores the bytes that are not there yet; first arrival wins. Adds the bytes that were
 * there with another value to *conflicts. Returns how many bytes could not be stored for lack of
 * memory. */
size_t window_put(struct window *w, uint64_t off, const uint8_t *p, size_t n, uint64_t *conflicts);

/* window_take: hands out the bytes that are there from off on without a hole, at most up to the end
 * of a page, and forgets pages below off. Returns their number; *p is valid until the next call. */
size_t window_take(struct window *w, uint64_t off, const uint8_t **p);

/* window_find: the offset of the first byte that is there in [from, to), or to. */
uint64_t window_find(const struct window *w, uint64_t from, uint64_t to);

/* window_held: bytes stored and not dropped; window_memory: bytes of memory. */
size_t window_held(const struct window *w);
size_t window_memory(const struct window *w);
/* window_drop: forgets all bytes below off. */
void window_drop(struct window *w, uint64_t off);

#endif

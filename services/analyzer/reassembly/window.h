/*
 * window: out-of-order bytes of a stream.
 *
 * A sparse array of pages over a range of stream offsets no wider than the window's span. Each page
 * has one bit for each of its bytes, which tells whether the byte is there. Whatever the sizes and
 * the order of the segments, a segment costs time only for its own bytes, and memory is at most 9/8
 * of the span plus the page table.
 *
 *   page table, a ring:  │ . │ P │ . │ P │ P │ . │   page number = offset / 4096 modulo the ring
 *
 * The caller keeps [lowest, lowest + span) inside the range and drains in ascending order.
 */
#ifndef ANALYZER_WINDOW_H
#define ANALYZER_WINDOW_H

#include <stddef.h>
#include <stdint.h>

struct window;

/* window_new: a window that holds a range of at most span bytes at any time. NULL without
 * memory. */
struct window *window_new(uint32_t span);
void window_free(struct window **w);

/* window_put: stores the bytes that are not there yet; the first arrival wins. Adds to *conflicts
 * the number of bytes that were there with another value. Returns the number of bytes that could
 * not be stored for lack of memory. */
size_t window_put(struct window *w, uint64_t off, const uint8_t *p, size_t n, uint64_t *conflicts);

/* window_take: returns the bytes from off on, without a hole and at most to the end of a page, and
 * frees the pages below off. Returns their number; *p is valid until the next call. */
size_t window_take(struct window *w, uint64_t off, const uint8_t **p);

/* window_find: the offset of the first stored byte in [from, to), or to. */
uint64_t window_find(const struct window *w, uint64_t from, uint64_t to);

/* window_held: the number of stored bytes. window_memory: bytes of memory in use. */
size_t window_held(const struct window *w);
size_t window_memory(const struct window *w);
/* window_drop: removes all bytes below off. */
void window_drop(struct window *w, uint64_t off);

#endif

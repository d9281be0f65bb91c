/*
 * buf: a growable run of bytes with a hard limit, and a borrowed slice.
 */
#ifndef PROTO_BUF_H
#define PROTO_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes. p NULL means absent; n 0 with p set means empty. Not NUL-terminated. */
struct bytes {
	const uint8_t *p;
	size_t n;
};

struct bytes bytes_of(const void *p, size_t n);
/* bytes_str: the bytes of a C string; absent for NULL. */
struct bytes bytes_str(const char *s);
bool bytes_eq(struct bytes a, struct bytes b);

/* Owned bytes. After a failed append `failed` stays set and further appends do nothing, so that a
 * writer checks once, at the end. */
struct buf {
	uint8_t *p;
	size_t n, cap;
	size_t limit; /* most bytes it may hold */
	bool failed;
	int rc; /* 0, or what the append that failed returned */
};

void buf_init(struct buf *b, size_t limit);
void buf_fini(struct buf *b);
void buf_reset(struct buf *b); /* empties; keeps the memory */
/* buf_spare: empties, and gives the memory back if it is more than keep bytes: one large message is
 * not paid for ever after. */
void buf_spare(struct buf *b, size_t keep);
/* buf_add: 0, -ENOMEM, or -EFBIG beyond the limit. */
int buf_add(struct buf *b, const void *p, size_t n);
int buf_addc(struct buf *b, char c);
int buf_adds(struct buf *b, const char *s);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* buf_back: what was added since it held n bytes is gone, and so is a failure. */
void buf_back(struct buf *b, size_t n);
/* buf_room: makes room for n more bytes and returns where they go (then add n to b->n); NULL only
 * when it failed, also for n 0. */
uint8_t *buf_room(struct buf *b, size_t n);
struct bytes buf_bytes(const struct buf *b);

#endif

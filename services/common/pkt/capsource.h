/*
 * capsource: the bytes of a capture file, from memory or a descriptor, with gzip around either.
 * What lies in memory, or in a file large enough to be mapped, is read where it is. Private to
 * capfile.
 */
#ifndef PKT_CAPSOURCE_H
#define PKT_CAPSOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "pkt/mapped.h"

struct capsource {
	int fd; /* -1: memory */
	const uint8_t *mem;
	size_t mem_left;   /* of memory that has to be uncompressed */
	struct mapped map; /* n 0: none */

	const uint8_t *at; /* uncompressed bytes: [pos, end) are unread */
	size_t pos, end;
	/* of at, bytes that stay where they are; 0: only the bytes in buf are available */
	size_t stay;
	uint8_t *buf; /* our own */
	size_t cap;
	uint64_t consumed; /* uncompressed bytes before pos */

	bool gzip, inflating, ended;
	/* the compressed data is followed by something that is neither gzip nor NUL */
	bool strange;
	/* -errno that ended it: a failed read, -EBADMSG for broken compression or strange */
	int error;
	z_stream z;
	uint8_t *zbuf; /* compressed bytes from fd */
};

/* capsource_fd takes ownership of the descriptor; capsource_memory borrows data. 0 or -errno. */
int capsource_fd(struct capsource *s, int fd);
int capsource_memory(struct capsource *s, const void *data, size_t n);
void capsource_fini(struct capsource *s);

/* capsource_peek: makes n bytes available at capsource_at(s); false when the source ends (or fails,
 * see error) before. n must have been checked against a limit. */
bool capsource_fill(struct capsource *s, size_t n);
static inline bool capsource_peek(struct capsource *s, size_t n)
{
	return s->end - s->pos >= n || capsource_fill(s, n);
}
static inline const uint8_t *capsource_at(const struct capsource *s)
{
	return s->at + s->pos;
}
static inline size_t capsource_held(const struct capsource *s)
{
	return s->end - s->pos;
}
static inline void capsource_take(struct capsource *s, size_t n)
{
	s->pos += n;
	s->consumed += n;
}
/* capsource_again: n bytes from an offset on, whatever was read since; NULL: the source is shorter.
 * Only for a source with `stay`. */
const uint8_t *capsource_again(struct capsource *s, uint64_t offset, size_t n);
/* capsource_skip: skips n bytes without holding them; false when the source ends before. */
bool capsource_skip(struct capsource *s, uint64_t n);

#endif

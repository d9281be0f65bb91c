#include "pkt/capsource.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (256u << 10)
/* A file from this size on is mapped, and this much of it is resident as it is read from its
 * beginning to its end. */
#define MAP_LEAST  (1u << 20)
#define MAP_WINDOW (8u << 20)

/* capsource_read_some: up to n plain bytes from below, 0 at the end. */
static size_t capsource_read_some(struct capsource *s, uint8_t *out, size_t n)
{
	if (s->fd < 0) {
		if (n > s->mem_left)
			n = s->mem_left;
		memcpy(out, s->mem, n);
		s->mem += n;
		s->mem_left -= n;
		return n;
	}
	for (;;) {
		ssize_t got = read(s->fd, out, n);
		if (got >= 0)
			return (size_t)got;
		if (errno != EINTR) {
			s->error = -errno;
			return 0;
		}
	}
}

/* capsource_more_compressed: gives zlib its next input; false at the end. */
static bool capsource_more_compressed(struct capsource *s)
{
	size_t n = capsource_read_some(s, s->zbuf, CHUNK);
	s->z.next_in = s->zbuf;
	s->z.avail_in = (uInt)n;
	return n;
}

/* capsource_pass_padding: past the NULs that tapes and block devices put behind a file; false at
 * the end, or at what is no padding and no gzip member. */
static bool capsource_pass_padding(struct capsource *s)
{
	for (;;) {
		while (s->z.avail_in && !*s->z.next_in) {
			s->z.next_in++;
			s->z.avail_in--;
		}
		if (s->z.avail_in)
			break;
		if (!capsource_more_compressed(s))
			return false;
	}
	if (*s->z.next_in == 0x1f)
		return true;
	s->strange = true;
	s->error = -EBADMSG;
	return false;
}

/* capsource_inflate_some: up to n uncompressed bytes, 0 at the end or at a break. A file may hold
 * several gzip members (RFC 1952 2.2). */
static size_t capsource_inflate_some(struct capsource *s, uint8_t *out, size_t n)
{
	s->z.next_out = out;
	s->z.avail_out = (uInt)n;
	while (s->z.avail_out == n) {
		if (!s->z.avail_in && !capsource_more_compressed(s)) {
			if (s->inflating && !s->error)
				s->error = -EBADMSG;
			return 0;
		}
		if (!s->inflating) {
			if (!capsource_pass_padding(s))
				return 0;
			inflateReset(&s->z);
			s->inflating = true;
		}
		int rc = inflate(&s->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END) {
			s->inflating = false;
		} else if (rc != Z_OK) {
			s->error = -EBADMSG;
			break;
		}
	}
	return n - s->z.avail_out;
}

/* capsource_advance: of bytes that stay, the next ones are at hand. */
static bool capsource_advance(struct capsource *s, size_t n)
{
	if (s->map.n)
		mapped_pass(&s->map, s->pos > 2 * MAP_WINDOW ? s->pos - 2 * MAP_WINDOW : 0, s->pos);
	if (n > s->stay - s->pos || s->map.failed) {
		s->end = s->stay;
		s->error = s->map.failed ? -EIO : 0;
		return false;
	}
	s->end = s->stay - s->pos - n > MAP_WINDOW ? s->pos + n + MAP_WINDOW : s->stay;
	return true;
}

const uint8_t *capsource_again(struct capsource *s, uint64_t offset, size_t n)
{
	if (s->map.failed || offset > s->stay || n > s->stay - offset)
		return NULL;
	if (s->map.n)
		mapped_touch(&s->map, (size_t)offset, n);
	return s->at + offset;
}

bool capsource_fill(struct capsource *s, size_t n)
{
	if (s->stay)
		return capsource_advance(s, n);
	if (s->pos) {
		memmove(s->buf, s->buf + s->pos, s->end - s->pos);
		s->end -= s->pos;
		s->pos = 0;
	}
	if (n > s->cap) {
		uint8_t *grown = realloc(s->buf, n + CHUNK);
		if (!grown) {
			s->error = -ENOMEM;
			return false;
		}
		s->at = s->buf = grown;
		s->cap = n + CHUNK;
	}
	while (s->end < n && !s->ended) {
		size_t room = s->cap - s->end;
		size_t got = s->gzip ? capsource_inflate_some(s, s->buf + s->end, room)
				     : capsource_read_some(s, s->buf + s->end, room);
		if (!got)
			s->ended = true;
		s->end += got;
	}
	return s->end >= n;
}

bool capsource_skip(struct capsource *s, uint64_t n)
{
	while (n) {
		if (!capsource_held(s) && !capsource_fill(s, 1))
			return false;
		size_t step = capsource_held(s) < n ? capsource_held(s) : (size_t)n;
		capsource_take(s, step);
		n -= step;
	}
	return true;
}

static bool capsource_is_gzip(const uint8_t magic[2])
{
	return magic[0] == 0x1f && magic[1] == 0x8b;
}

static int capsource_begin(struct capsource *s)
{
	s->at = s->buf = malloc(CHUNK);
	if (!s->buf)
		return -ENOMEM;
	s->cap = CHUNK;
	/* Looked at before it is known to be gzip: what was read so far becomes zlib's first input.
	 */
	if (!capsource_fill(s, 2) || !capsource_is_gzip(s->buf))
		return s->error;
	s->zbuf = malloc(CHUNK);
	if (!s->zbuf || inflateInit2(&s->z, 15 + 16) != Z_OK) {
		free(s->zbuf);
		s->zbuf = NULL;
		return -ENOMEM;
	}
	s->gzip = s->inflating = true;
	memcpy(s->zbuf, s->buf, s->end);
	s->z.next_in = s->zbuf;
	s->z.avail_in = (uInt)s->end;
	s->end = 0;
	s->ended = false;
	return 0;
}

int capsource_fd(struct capsource *s, int fd)
{
	struct stat st;
	off_t from = lseek(fd, 0, SEEK_CUR);
	uint8_t magic[2];

	*s = (struct capsource){.fd = fd};
	if (from < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size - from < MAP_LEAST ||
	    pread(fd, magic, sizeof magic, from) != sizeof magic || capsource_is_gzip(magic) ||
	    mapped_open(&s->map, fd, (size_t)st.st_size))
		return capsource_begin(s);
	s->at = s->map.p;
	s->stay = s->map.n;
	s->pos = s->end = (size_t)from;
	return 0;
}

int capsource_memory(struct capsource *s, const void *data, size_t n)
{
	*s = (struct capsource){.fd = -1};
	if (n < 2 || capsource_is_gzip(data)) {
		s->mem = data;
		s->mem_left = n;
		return capsource_begin(s);
	}
	s->at = data;
	s->stay = n;
	return 0;
}

void capsource_fini(struct capsource *s)
{
	if (s->gzip)
		inflateEnd(&s->z);
	free(s->zbuf);
	free(s->buf);
	if (s->map.n)
		mapped_close(&s->map);
	if (s->fd > 0)
		close(s->fd);
	*s = (struct capsource){.fd = -1};
}

#include "table/pager.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "table/scratch.h"

#define RUN (1u << 20)

#define BLOCK        (64u << 10)
#define CACHE_BLOCKS 128u

struct block {
	uint64_t number; /* place / BLOCK */
	size_t n;        /* bytes that were in the file when it was read */
	uint8_t b[BLOCK];
};

/* Places below memory are in held, the others in the file, from memory on. */
struct pager {
	const char *dir;
	uint8_t *held;
	size_t held_n, memory;
	bool full; /* the next ones go to the file */
	int fd;
	uint64_t written; /* to the file */
	uint8_t *tail;    /* what follows it, not written yet */
	size_t tail_n;
	/* Blocks of the file that were read: what went out together comes back together, though not
	 * in the same order. */
	struct block *cache[CACHE_BLOCKS];
};

int pager_new(const char *dir, size_t memory, struct pager **out)
{
	struct pager *p = calloc(1, sizeof *p);

	*out = p;
	if (!p)
		return -ENOMEM;
	p->dir = dir;
	p->memory = memory;
	p->fd = -1;
	return 0;
}

void pager_free(struct pager **p)
{
	if (!*p)
		return;
	if ((*p)->held)
		munmap((*p)->held, (*p)->memory);
	if ((*p)->fd >= 0)
		close((*p)->fd);
	free((*p)->tail);
	for (size_t i = 0; i < CACHE_BLOCKS; i++)
		free((*p)->cache[i]);
	free(*p);
	*p = NULL;
}

/* hold: room for n bytes in memory; NULL: there is none (left). */
static uint8_t *hold(struct pager *p, size_t n)
{
	if (!p->held && !p->full && p->memory) {
		void *v = mmap(NULL, p->memory, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (v != MAP_FAILED) {
			p->held = v;
			madvise(v, p->memory, MADV_HUGEPAGE);
		}
	}
	if (!p->held || n > p->memory - p->held_n) {
		p->full = true;
		return NULL;
	}
	p->held_n += n;
	return p->held + p->held_n - n;
}

static int make_file(struct pager *p)
{
	int fd = scratch_open(p->dir);

	if (fd < 0)
		return fd;
	p->fd = fd;
	return 0;
}

static int write_out(struct pager *p, const uint8_t *data, size_t n)
{
	if (p->fd < 0) {
		int rc = make_file(p);
		if (rc)
			return rc;
	}
	while (n) {
		ssize_t got = pwrite(p->fd, data, n, (off_t)p->written);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		data += got;
		n -= (size_t)got;
		p->written += (uint64_t)got;
	}
	return 0;
}

static void put_parts(uint8_t *to, const struct bytes *part, size_t parts)
{
	for (size_t i = 0; i < parts; i++) {
		if (part[i].n)
			memcpy(to, part[i].p, part[i].n);
		to += part[i].n;
	}
}

/* write_through: more than the tail takes. */
static int write_through(struct pager *p, const struct bytes *part, size_t parts)
{
	uint64_t before = p->written;
	int rc = 0;

	for (size_t i = 0; i < parts && !rc; i++)
		rc = write_out(p, part[i].p, part[i].n);
	if (rc)
		p->written = before;
	return rc;
}

int pager_write(struct pager *p, const struct bytes *part, size_t parts, uint64_t *place)
{
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < parts; i++)
		n += part[i].n;
	uint8_t *to = p->full ? NULL : hold(p, n);
	if (to) {
		*place = (uint64_t)(to - p->held);
		put_parts(to, part, parts);
		return 0;
	}
	if (!p->tail) {
		p->tail = malloc(RUN);
		if (!p->tail)
			return -ENOMEM;
	}
	if (n > RUN - p->tail_n) {
		rc = write_through(p, &(struct bytes){p->tail, p->tail_n}, 1);
		if (rc)
			return rc;
		p->tail_n = 0;
	}
	*place = p->memory + p->written + p->tail_n;
	if (n > RUN)
		return write_through(p, part, parts);
	put_parts(p->tail + p->tail_n, part, parts);
	p->tail_n += n;
	return 0;
}

/* read_block: the block of that number, with at least n bytes. */
static int read_block(struct pager *p, uint64_t number, size_t n, const struct block **out)
{
	struct block **slot = &p->cache[number % CACHE_BLOCKS], *k = *slot;

	if (!k) {
		k = *slot = malloc(sizeof *k);
		if (!k)
			return -ENOMEM;
		k->n = 0;
	}
	if (k->number != number || k->n < n) {
		k->number = number;
		k->n = 0;
		while (k->n < BLOCK) {
			ssize_t got = pread(p->fd, k->b + k->n, BLOCK - k->n,
					    (off_t)(number * BLOCK + k->n));
			if (got < 0 && errno == EINTR)
				continue;
			if (got < 0)
				return -errno;
			if (!got)
				break;
			k->n += (size_t)got;
		}
	}
	*out = k;
	return k->n < n ? -EIO : 0;
}

int pager_read(struct pager *p, uint64_t place, void *data, size_t n)
{
	uint8_t *to = data;

	if (!n)
		return 0;
	if (place < p->memory) {
		if (place > p->held_n || n > p->held_n - place)
			return -EIO;
		memcpy(to, p->held + place, n);
		return 0;
	}
	place -= p->memory;
	while (n && place < p->written) {
		const struct block *k = NULL;
		size_t at = (size_t)(place % BLOCK), step = BLOCK - at < n ? BLOCK - at : n;
		if (step > p->written - place)
			step = (size_t)(p->written - place);
		int rc = read_block(p, place / BLOCK, at + step, &k);
		if (rc)
			return rc;
		memcpy(to, k->b + at, step);
		to += step;
		place += step;
		n -= step;
	}
	if (!n)
		return 0;
	if (place - p->written > p->tail_n || n > p->tail_n - (place - p->written))
		return -EIO;
	memcpy(to, p->tail + (place - p->written), n);
	return 0;
}

void pager_prefetch(const struct pager *p, uint64_t place)
{
	for (size_t at = 0; at < 512 && place + at < p->held_n; at += 64)
		__builtin_prefetch(p->held + place + at);
}

bool pager_on_disk(const struct pager *p, uint64_t place)
{
	return place >= p->memory;
}

uint64_t pager_end(const struct pager *p)
{
	return p->full ? p->memory + p->written + p->tail_n : p->held_n;
}

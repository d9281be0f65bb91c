#include "files/shm_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK   ((size_t)256 << 10)
#define BLOCKS  8u
#define IDLE_MS 200

/* What goes through the pipe: that the next block has n bytes, or that n bytes follow in the pipe,
 * as no block has room for them. */
struct note {
	uint64_t n;
	uint64_t inside;
};

struct shm_channel {
	uint8_t *block; /* BLOCKS of them, used in turn */
	int notes[2], empties[2];
	/* The writer's. */
	unsigned at, free;
	size_t used;
	/* The reader's: the piece at hand. */
	unsigned reading;
	const uint8_t *piece;
	size_t pos, end;
	bool holds; /* the piece is a block */
	uint8_t *large;
	size_t large_cap;
};

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int shm_channel_new(struct shm_channel **out)
{
	struct shm_channel *l = calloc(1, sizeof *l);
	int rc = -ENOMEM;

	*out = l;
	if (!l)
		return rc;
	l->notes[0] = l->notes[1] = l->empties[0] = l->empties[1] = -1;
	l->free = BLOCKS;
	void *p = mmap(NULL, BLOCKS * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	if (p != MAP_FAILED)
		l->block = p;
	if (l->block && !pipe2(l->notes, O_CLOEXEC) && !pipe2(l->empties, O_CLOEXEC))
		return 0;
	if (l->block)
		rc = -errno;
	shm_channel_free(out);
	return rc;
}

void shm_channel_is(struct shm_channel *l, enum shm_channel_side side)
{
	shut(&l->notes[side == SHM_CHANNEL_WRITES ? 0 : 1]);
	shut(&l->empties[side == SHM_CHANNEL_WRITES ? 1 : 0]);
}

void shm_channel_free(struct shm_channel **l)
{
	if (!*l)
		return;
	for (int i = 0; i < 2; i++) {
		shut(&(*l)->notes[i]);
		shut(&(*l)->empties[i]);
	}
	if ((*l)->block)
		munmap((*l)->block, BLOCKS * BLOCK);
	free((*l)->large);
	free(*l);
	*l = NULL;
}

int pipe_write(int fd, const void *data, size_t n)
{
	const uint8_t *p = data;

	while (n) {
		ssize_t got = write(fd, p, n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

/* The writer's side. */

static int wait_for_block(struct shm_channel *l)
{
	uint8_t read_ones[BLOCKS];

	while (!l->free) {
		ssize_t got = read(l->empties[0], read_ones, sizeof read_ones);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EPIPE;
		l->free += (unsigned)got;
	}
	return 0;
}

int shm_channel_flush(struct shm_channel *l)
{
	struct note note = {.n = l->used};

	if (!l->used)
		return 0;
	l->used = 0;
	l->free--;
	l->at = (l->at + 1) % BLOCKS;
	return pipe_write(l->notes[1], &note, sizeof note);
}

int shm_channel_put(struct shm_channel *l, struct bytes head, struct bytes body)
{
	size_t n = head.n + body.n;
	int rc = n > BLOCK - l->used ? shm_channel_flush(l) : 0;

	if (!rc && n > BLOCK) {
		struct note note = {.n = n, .inside = true};
		rc = pipe_write(l->notes[1], &note, sizeof note);
		if (!rc)
			rc = pipe_write(l->notes[1], head.p, head.n);
		return rc ? rc : pipe_write(l->notes[1], body.p, body.n);
	}
	if (!rc)
		rc = wait_for_block(l);
	if (rc)
		return rc;
	uint8_t *to = l->block + l->at * BLOCK + l->used;
	memcpy(to, head.p, head.n);
	if (body.n)
		memcpy(to + head.n, body.p, body.n);
	l->used += n;
	return 0;
}

/* The reader's. */

static int read_all(struct shm_channel *l, void *data, size_t n, void (*idle)(void *), void *arg)
{
	uint8_t *p = data;

	while (n) {
		struct pollfd wait = {.fd = l->notes[0], .events = POLLIN};
		if (idle && poll(&wait, 1, IDLE_MS) == 0) {
			idle(arg);
			continue;
		}
		ssize_t got = read(l->notes[0], p, n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -ECHILD;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

static int next_piece(struct shm_channel *l, void (*idle)(void *), void *arg)
{
	struct note note;

	if (l->holds) {
		/* A writer that is gone is noticed where we read. */
		(void)pipe_write(l->empties[1], "", 1);
		l->reading = (l->reading + 1) % BLOCKS;
	}
	l->holds = false;
	l->pos = l->end = 0;
	int rc = read_all(l, &note, sizeof note, idle, arg);
	if (rc)
		return rc;
	if (note.inside) {
		if (note.n > l->large_cap) {
			free(l->large);
			l->large_cap = 0;
			l->large = malloc(note.n);
			if (!l->large)
				return -ENOMEM;
			l->large_cap = note.n;
		}
		rc = read_all(l, l->large, note.n, idle, arg);
		l->piece = l->large;
	} else {
		l->piece = l->block + l->reading * BLOCK;
		l->holds = true;
	}
	l->end = rc ? 0 : note.n;
	return rc;
}

int shm_channel_get(struct shm_channel *l, size_t n, const uint8_t **p, void (*idle)(void *),
		    void *arg)
{
	int rc = l->pos == l->end ? next_piece(l, idle, arg) : 0;

	if (rc)
		return rc;
	if (n > l->end - l->pos)
		return -EPROTO;
	*p = l->piece + l->pos;
	l->pos += n;
	return 0;
}

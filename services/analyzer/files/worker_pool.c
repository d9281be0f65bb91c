#include "files/worker_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files/shm_channel.h"

struct request {
	uint32_t shard, shards, len;
};

struct pool_process {
	pid_t pid;
	int to;
	struct shm_channel *from;
};

struct worker_pool {
	unsigned n;
	struct pool_process process[POOL_MAX];
};

/* pipe_read: 1, 0 at the end, or -errno. */
static int pipe_read(int fd, void *data, size_t n)
{
	uint8_t *p = data;

	while (n) {
		ssize_t got = read(fd, p, n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		p += got;
		n -= (size_t)got;
	}
	return 1;
}

/* The worker's side. */

/* send_file: all frames of the file that the worker has open. */
static int send_file(struct pool_worker *w, struct shm_channel *to)
{
	struct pool_frame frame;
	struct bytes line;
	int rc;

	do {
		rc = pool_worker_next(w, &frame, &line);
		if (!rc)
			rc = shm_channel_put(to, bytes_of(&frame, sizeof frame), line);
	} while (!rc && frame.type != POOL_END);
	return rc ? rc : shm_channel_flush(to);
}

static int worker_loop(const struct worker_pool_options *o, int from, struct shm_channel *to)
{
	struct pool_worker *w;
	struct request q;
	char path[PATH_MAX];
	int rc = pool_worker_new(o, &w);

	while (!rc && pipe_read(from, &q, sizeof q) == 1) {
		if (q.len >= sizeof path || pipe_read(from, path, q.len) != 1)
			break;
		path[q.len] = 0;
		pool_worker_open(w, path, q.shard, q.shards);
		rc = send_file(w, to);
	}
	pool_worker_free(&w);
	return rc;
}

static int start_process(struct worker_pool *c, const struct worker_pool_options *o,
			 struct pool_process *w)
{
	int to[2];

	if (pipe2(to, O_CLOEXEC))
		return -errno;
	int rc = shm_channel_new(&w->from);
	if (!rc) {
		w->pid = fork();
		rc = w->pid < 0 ? -errno : 0;
	}
	if (!rc && w->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		/* The other workers' pipes must not stay open here: their end is how they are told
		 * to go. */
		for (unsigned i = 0; i < c->n; i++) {
			close(c->process[i].to);
			shm_channel_free(&c->process[i].from);
		}
		close(to[1]);
		shm_channel_is(w->from, SHM_CHANNEL_WRITES);
		_exit(worker_loop(o, to[0], w->from) ? 1 : 0);
	}
	close(to[0]);
	w->to = to[1];
	if (rc) {
		close(w->to);
		shm_channel_free(&w->from);
		return rc;
	}
	shm_channel_is(w->from, SHM_CHANNEL_READS);
	return 0;
}

/* The parent's. */

int worker_pool_new(const struct worker_pool_options *o, unsigned n, struct worker_pool **out)
{
	struct worker_pool *c = calloc(1, sizeof *c);

	*out = c;
	if (!c)
		return -ENOMEM;
	for (; c->n < n && c->n < POOL_MAX; c->n++) {
		int rc = start_process(c, o, &c->process[c->n]);
		if (rc) {
			worker_pool_free(out);
			return rc;
		}
	}
	return 0;
}

void worker_pool_free(struct worker_pool **c)
{
	if (!*c)
		return;
	for (unsigned i = 0; i < (*c)->n; i++) {
		struct pool_process *w = &(*c)->process[i];
		close(w->to);
		shm_channel_free(&w->from);
	}
	for (unsigned i = 0; i < (*c)->n; i++)
		while (waitpid((*c)->process[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
	free(*c);
	*c = NULL;
}

int worker_pool_ask(struct worker_pool *c, unsigned i, const char *path, uint32_t shard,
		    uint32_t shards)
{
	struct request q = {.shard = shard, .shards = shards, .len = (uint32_t)strlen(path)};
	int rc = pipe_write(c->process[i].to, &q, sizeof q);
	return rc ? rc : pipe_write(c->process[i].to, path, q.len);
}

int worker_pool_read(struct worker_pool *c, unsigned i, struct pool_frame *frame,
		     struct bytes *line, void (*idle)(void *), void *arg)
{
	struct shm_channel *from = c->process[i].from;
	const uint8_t *p;
	int rc = shm_channel_get(from, sizeof *frame, &p, idle, arg);

	if (rc)
		return rc;
	memcpy(frame, p, sizeof *frame);
	*line = (struct bytes){0};
	if (!frame->len)
		return 0;
	rc = shm_channel_get(from, frame->len, &p, idle, arg);
	*line = bytes_of(p, frame->len);
	return rc;
}

#include "crew.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPE_BYTES  (1u << 20)
#define READ_BYTES  (1u << 20)
#define WRITE_BYTES (128u << 10)
#define IDLE_MS     200

struct request {
	uint32_t shard, shards, len;
};

struct worker {
	pid_t pid;
	int to, from;
	uint8_t *buf;
	size_t pos, end, cap;
};

struct crew {
	unsigned n;
	struct worker worker[CREW_MAX];
};

static int write_all(int fd, const void *data, size_t n)
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

/* read_all: 1, 0 at the end, or -errno. */
static int read_all(int fd, void *data, size_t n)
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

/* What a worker answers, on its way to the pipe in large pieces. */
struct answer {
	int fd;
	struct buf out;
};

static int send_frame(void *arg, const struct crew_frame *frame, struct bytes line)
{
	struct answer *a = arg;
	int rc = 0;

	buf_add(&a->out, frame, sizeof *frame);
	buf_add(&a->out, line.p, line.n);
	if (a->out.failed)
		return -ENOMEM;
	if (a->out.n >= WRITE_BYTES || frame->type == CREW_END) {
		rc = write_all(a->fd, a->out.p, a->out.n);
		buf_reset(&a->out);
	}
	return rc;
}

static int worker_loop(const struct crew_options *o, int from, int to)
{
	struct answer a = {.fd = to};
	struct crew_self *self;
	struct request q;
	char path[PATH_MAX];
	int rc = crew_self_new(o, &self);

	buf_init(&a.out, SIZE_MAX);
	while (!rc && read_all(from, &q, sizeof q) == 1) {
		if (q.len >= sizeof path || read_all(from, path, q.len) != 1)
			break;
		path[q.len] = 0;
		rc = crew_work(self, path, q.shard, q.shards, send_frame, &a);
	}
	crew_self_free(&self);
	buf_fini(&a.out);
	return rc;
}

static int start(struct crew *c, const struct crew_options *o, struct worker *w)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC))
		return -errno;
	if (pipe2(from, O_CLOEXEC)) {
		int rc = -errno;
		close(to[0]);
		close(to[1]);
		return rc;
	}
	(void)fcntl(from[1], F_SETPIPE_SZ, PIPE_BYTES);
	(void)fcntl(to[1], F_SETPIPE_SZ, PIPE_BYTES);
	w->pid = fork();
	if (w->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		/* The other workers' pipes must not stay open here: their end is how they are told
		 * to go. */
		for (unsigned i = 0; i < c->n; i++) {
			close(c->worker[i].to);
			close(c->worker[i].from);
		}
		close(to[1]);
		close(from[0]);
		_exit(worker_loop(o, to[0], from[1]) ? 1 : 0);
	}
	close(to[0]);
	close(from[1]);
	w->to = to[1];
	w->from = from[0];
	if (w->pid > 0)
		return 0;
	int rc = -errno;
	close(w->to);
	close(w->from);
	return rc;
}

/* The parent's. */

int crew_new(const struct crew_options *o, unsigned n, struct crew **out)
{
	struct crew *c = calloc(1, sizeof *c);

	*out = c;
	if (!c)
		return -ENOMEM;
	for (; c->n < n && c->n < CREW_MAX; c->n++) {
		int rc = start(c, o, &c->worker[c->n]);
		if (rc) {
			crew_free(out);
			return rc;
		}
	}
	return 0;
}

void crew_free(struct crew **c)
{
	if (!*c)
		return;
	for (unsigned i = 0; i < (*c)->n; i++) {
		struct worker *w = &(*c)->worker[i];
		close(w->to);
		close(w->from);
		free(w->buf);
	}
	for (unsigned i = 0; i < (*c)->n; i++)
		while (waitpid((*c)->worker[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
	free(*c);
	*c = NULL;
}

int crew_ask(struct crew *c, unsigned i, const char *path, uint32_t shard, uint32_t shards)
{
	struct request q = {.shard = shard, .shards = shards, .len = (uint32_t)strlen(path)};
	int rc = write_all(c->worker[i].to, &q, sizeof q);
	return rc ? rc : write_all(c->worker[i].to, path, q.len);
}

/* need: n bytes at w->pos. */
static int need(struct worker *w, size_t n, void (*idle)(void *), void *arg)
{
	if (w->end - w->pos >= n)
		return 0;
	if (w->pos) {
		memmove(w->buf, w->buf + w->pos, w->end - w->pos);
		w->end -= w->pos;
		w->pos = 0;
	}
	if (w->cap < n || !w->cap) {
		size_t cap = n + READ_BYTES;
		uint8_t *grown = realloc(w->buf, cap);
		if (!grown)
			return -ENOMEM;
		w->buf = grown;
		w->cap = cap;
	}
	while (w->end < n) {
		struct pollfd p = {.fd = w->from, .events = POLLIN};
		if (idle && poll(&p, 1, IDLE_MS) == 0) {
			idle(arg);
			continue;
		}
		ssize_t got = read(w->from, w->buf + w->end, w->cap - w->end);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -ECHILD;
		w->end += (size_t)got;
	}
	return 0;
}

int crew_read(struct crew *c, unsigned i, struct crew_frame *frame, struct bytes *line,
	      void (*idle)(void *), void *arg)
{
	struct worker *w = &c->worker[i];
	int rc = need(w, sizeof *frame, idle, arg);

	if (rc)
		return rc;
	memcpy(frame, w->buf + w->pos, sizeof *frame);
	rc = need(w, sizeof *frame + frame->len, idle, arg);
	if (rc)
		return rc;
	*line = (struct bytes){.p = w->buf + w->pos + sizeof *frame, .n = frame->len};
	w->pos += sizeof *frame + frame->len;
	return 0;
}

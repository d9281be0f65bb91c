#include "crew.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lane.h"

struct request {
	uint32_t shard, shards, len;
};

struct worker {
	pid_t pid;
	int to;
	struct lane *from;
};

struct crew {
	unsigned n;
	struct worker worker[CREW_MAX];
};

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

static int send_frame(void *arg, const struct crew_frame *frame, struct bytes line)
{
	struct lane *to = arg;
	int rc = lane_put(to, bytes_of(frame, sizeof *frame), line);

	return !rc && frame->type == CREW_END ? lane_flush(to) : rc;
}

static int worker_loop(const struct crew_options *o, int from, struct lane *to)
{
	struct crew_self *self;
	struct request q;
	char path[PATH_MAX];
	int rc = crew_self_new(o, &self);

	while (!rc && read_all(from, &q, sizeof q) == 1) {
		if (q.len >= sizeof path || read_all(from, path, q.len) != 1)
			break;
		path[q.len] = 0;
		rc = crew_work(self, path, q.shard, q.shards, send_frame, to);
	}
	crew_self_free(&self);
	return rc;
}

static int start(struct crew *c, const struct crew_options *o, struct worker *w)
{
	int to[2];

	if (pipe2(to, O_CLOEXEC))
		return -errno;
	int rc = lane_new(&w->from);
	if (!rc) {
		w->pid = fork();
		rc = w->pid < 0 ? -errno : 0;
	}
	if (!rc && w->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		/* The other workers' pipes must not stay open here: their end is how they are told
		 * to go. */
		for (unsigned i = 0; i < c->n; i++) {
			close(c->worker[i].to);
			lane_free(&c->worker[i].from);
		}
		close(to[1]);
		lane_is(w->from, LANE_WRITES);
		_exit(worker_loop(o, to[0], w->from) ? 1 : 0);
	}
	close(to[0]);
	w->to = to[1];
	if (rc) {
		close(w->to);
		lane_free(&w->from);
		return rc;
	}
	lane_is(w->from, LANE_READS);
	return 0;
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
		lane_free(&w->from);
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
	int rc = pipe_write(c->worker[i].to, &q, sizeof q);
	return rc ? rc : pipe_write(c->worker[i].to, path, q.len);
}

int crew_read(struct crew *c, unsigned i, struct crew_frame *frame, struct bytes *line,
	      void (*idle)(void *), void *arg)
{
	struct lane *from = c->worker[i].from;
	const uint8_t *p;
	int rc = lane_get(from, sizeof *frame, &p, idle, arg);

	if (rc)
		return rc;
	memcpy(frame, p, sizeof *frame);
	*line = (struct bytes){0};
	if (!frame->len)
		return 0;
	rc = lane_get(from, frame->len, &p, idle, arg);
	*line = bytes_of(p, frame->len);
	return rc;
}

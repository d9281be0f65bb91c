#include "scrape.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "scrape_request.h"

#define BODY_MAX (4u << 20)

struct client {
	struct scrape *scrape;
	int fd; /* -1: free */
	uint64_t until_ns;
	uint8_t in[SCRAPE_REQUEST_MAX];
	size_t in_n, sent;
	struct buf out;
	bool answered; /* out is being sent or was sent; further bytes are thrown away */
};

struct scrape {
	struct loop *loop;
	int fd;
	scrape_fn fn;
	void *arg;
	size_t n;
	struct client client[SCRAPE_CLIENTS];
};

int scrape_bind(const char *where, int *fd)
{
	char host[64];
	const char *colon = strrchr(where, ':');
	if (!colon || (size_t)(colon - where) >= sizeof host)
		return -EINVAL;
	size_t n = (size_t)(colon - where);
	bool v6 = n >= 2 && where[0] == '[' && where[n - 1] == ']';
	memcpy(host, where + v6, n - 2 * v6);
	host[n - 2 * v6] = '\0';
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				       .ai_socktype = SOCK_STREAM};
	struct addrinfo *a = NULL;
	if (!*host || !colon[1] || getaddrinfo(host, colon + 1, &hints, &a) != 0)
		return -EINVAL;
	int rc = 0, one = 1;
	int s = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
	    bind(s, a->ai_addr, a->ai_addrlen) != 0 || listen(s, SCRAPE_CLIENTS) != 0)
		rc = -errno;
	freeaddrinfo(a);
	if (rc && s >= 0)
		close(s);
	*fd = rc ? -1 : s;
	return rc;
}

static void scrape_on_accept(void *arg);

static void scrape_drop(struct client *c)
{
	struct scrape *s = c->scrape;
	loop_forget_fd(s->loop, c->fd);
	close(c->fd);
	c->fd = -1;
	buf_fini(&c->out);
	if (s->n-- == SCRAPE_CLIENTS)
		loop_fd_events(s->loop, s->fd, POLLIN, scrape_on_accept, s);
}

static void scrape_respond(struct client *c, int status)
{
	struct buf body;
	buf_init(&body, BODY_MAX);
	int rc = status == 200 ? c->scrape->fn(c->scrape->arg, &body)
			       : buf_adds(&body, "lurker metrics: GET /metrics\n");
	if (rc || body.failed) {
		buf_reset(&body);
		status = 503;
	}
	scrape_response_head(status, body.n, &c->out);
	buf_add(&c->out, body.p, body.n);
	buf_fini(&body);
	c->answered = true;
}

/* Sends the rest of the response and shuts down our direction. The socket is closed when the client
 * closes its own: closing it with unread bytes would send a reset. */
static int scrape_send_rest(struct client *c)
{
	while (c->sent < c->out.n) {
		ssize_t k = send(c->fd, c->out.p + c->sent, c->out.n - c->sent, MSG_NOSIGNAL);
		if (k < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		c->sent += (size_t)k;
	}
	return shutdown(c->fd, SHUT_WR) == 0 ? 0 : -errno;
}

static void scrape_on_client(void *arg)
{
	struct client *c = arg;
	uint8_t ignored[1024];
	uint8_t *to = c->answered ? ignored : c->in + c->in_n;
	size_t room = c->answered ? sizeof ignored : sizeof c->in - c->in_n;
	ssize_t k = recv(c->fd, to, room, 0);
	if (k == 0 || (k < 0 && errno != EAGAIN && errno != EINTR)) {
		scrape_drop(c);
		return;
	}
	if (!c->answered && k > 0) {
		c->in_n += (size_t)k;
		int status = scrape_request_status(bytes_of(c->in, c->in_n));
		if (!status)
			return;
		scrape_respond(c, status);
	}
	if (!c->answered || c->sent == c->out.n)
		return;
	if (c->out.failed || scrape_send_rest(c) != 0) {
		scrape_drop(c);
		return;
	}
	bool more = c->sent < c->out.n;
	loop_fd_events(c->scrape->loop, c->fd, (short)(more ? POLLIN | POLLOUT : POLLIN),
		       scrape_on_client, c);
}

static void scrape_on_accept(void *arg)
{
	struct scrape *s = arg;
	int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	struct client *c = s->client;
	while (c->fd >= 0)
		c++; /* one is free: with none, the listening socket is not polled */
	*c = (struct client){.scrape = s, .fd = fd, .until_ns = clock_mono_ns() + SCRAPE_LIMIT_NS};
	buf_init(&c->out, BODY_MAX + 1024);
	if (loop_fd(s->loop, fd, scrape_on_client, c) != 0) {
		close(fd);
		c->fd = -1;
		return;
	}
	if (++s->n == SCRAPE_CLIENTS)
		loop_fd_events(s->loop, s->fd, 0, scrape_on_accept, s);
}

static void scrape_on_second(void *arg)
{
	struct scrape *s = arg;
	uint64_t now = clock_mono_ns();
	for (size_t i = 0; i < SCRAPE_CLIENTS; i++)
		if (s->client[i].fd >= 0 && now >= s->client[i].until_ns)
			scrape_drop(&s->client[i]);
}

int scrape_new(struct loop *l, int fd, scrape_fn fn, void *arg, struct scrape **out)
{
	struct scrape *s = calloc(1, sizeof *s);
	*out = s;
	if (!s) {
		close(fd);
		return -ENOMEM;
	}
	s->loop = l;
	s->fd = fd;
	s->fn = fn;
	s->arg = arg;
	for (size_t i = 0; i < SCRAPE_CLIENTS; i++)
		s->client[i].fd = -1;
	int rc = loop_fd(l, fd, scrape_on_accept, s);
	return rc ? rc : loop_every(l, NS_PER_S, scrape_on_second, s);
}

void scrape_free(struct scrape **s)
{
	if (!*s)
		return;
	for (size_t i = 0; i < SCRAPE_CLIENTS; i++)
		if ((*s)->client[i].fd >= 0)
			scrape_drop(&(*s)->client[i]);
	loop_forget_fd((*s)->loop, (*s)->fd);
	close((*s)->fd);
	free(*s);
	*s = NULL;
}

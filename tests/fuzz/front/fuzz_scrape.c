/*
 * A client of `lurker metrics`, through real sockets: in whatever pieces its bytes come, it gets
 * one whole answer, that of the first piece that settles it, or none; and its place is free again
 * when it goes, or when its time is over.
 *
 * Input: a byte (1: goes without reading; 2: stays until its time is over), then pieces, each
 * behind its length.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "scrape.h"
#include "scrape_request.h"

/* In place of rt/loop: the listening socket, the one client and the timer, served by hand. */
static struct served {
	int fd;
	loop_fn fn;
	void *arg;
} listening, client = {.fd = -1}, second;
static uint64_t now_ns = 1;

static void must(bool good)
{
	if (!good)
		abort();
}

int loop_fd_events(struct loop *l, int fd, short events, loop_fn fn, void *arg)
{
	(void)l, (void)events;
	*(listening.fn && fd != listening.fd ? &client : &listening) = (struct served){fd, fn, arg};
	return 0;
}

int loop_fd(struct loop *l, int fd, loop_fn fn, void *arg)
{
	return loop_fd_events(l, fd, POLLIN, fn, arg);
}

void loop_forget_fd(struct loop *l, int fd)
{
	(void)l;
	must(fd == client.fd);
	client.fd = -1;
}

int loop_every(struct loop *l, uint64_t period_ns, loop_fn fn, void *arg)
{
	(void)l, (void)period_ns;
	second = (struct served){-1, fn, arg};
	return 0;
}

uint64_t clock_mono_ns(void)
{
	return now_ns;
}

static int metrics(void *arg, struct buf *out)
{
	(void)arg;
	return buf_adds(out, "lurker_up 1\n");
}

static struct sockaddr_un address;
static socklen_t address_n;

static void set_up(void)
{
	static struct scrape *s;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	address.sun_family = AF_UNIX; /* the kernel finds a name */
	address_n = sizeof address;
	must(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address.sun_family) == 0);
	must(getsockname(fd, (struct sockaddr *)&address, &address_n) == 0 && listen(fd, 1) == 0);
	must(scrape_new(NULL, fd, metrics, NULL, &s) == 0);
}

/* One whole answer of this status and nothing after it; 0: nothing. A client whose time is over may
 * be reset behind it: what it still sent was not read. */
static void check_answer(int fd, int status, bool over)
{
	char got[4096], head[32];
	size_t n = 0, body = 0;
	ssize_t k;

	while ((k = recv(fd, got + n, sizeof got - 1 - n, 0)) > 0)
		n += (size_t)k;
	got[n] = '\0';
	must(k == 0 || (over && errno == ECONNRESET));
	must(strlen(got) == n && (n != 0) == (status != 0));
	if (!status)
		return;
	snprintf(head, sizeof head, "HTTP/1.1 %d ", status);
	const char *length = strstr(got, "Content-Length: "), *end = strstr(got, "\r\n\r\n");
	must(strncmp(got, head, strlen(head)) == 0 && length && end);
	must(sscanf(length, "Content-Length: %zu", &body) == 1 && strlen(end + 4) == body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t whole[SCRAPE_REQUEST_MAX];
	size_t sent = 0;
	int status = 0;

	if (!n)
		return 0;
	if (!listening.fn)
		set_up();
	uint8_t way = data[0];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	must(fd >= 0 && connect(fd, (struct sockaddr *)&address, address_n) == 0);
	listening.fn(listening.arg);
	must(client.fd >= 0);
	for (data++, n--; n > 1 && client.fd >= 0;) {
		size_t k = data[0] < n - 1 ? data[0] : n - 1;
		if (k) {
			must(send(fd, data + 1, k, MSG_NOSIGNAL) == (ssize_t)k);
			size_t room = sizeof whole - sent, taken = k < room ? k : room;
			memcpy(whole + sent, data + 1, taken);
			sent += taken;
			if (!status)
				status = scrape_request_status(bytes_of(whole, sent));
			client.fn(client.arg);
		}
		data += 1 + k;
		n -= 1 + k;
	}
	if (way & 2) {
		now_ns += SCRAPE_LIMIT_NS - 1;
		second.fn(second.arg);
		must(client.fd >= 0);
		now_ns++;
		second.fn(second.arg);
		must(client.fd < 0);
	} else if (way & 1) {
		close(fd);
		fd = -1;
	} else {
		must(shutdown(fd, SHUT_WR) == 0);
	}
	for (int i = 0; client.fd >= 0; i++) {
		must(i < 100);
		client.fn(client.arg);
	}
	if (fd >= 0) {
		check_answer(fd, status, way & 2);
		close(fd);
	}
	return 0;
}

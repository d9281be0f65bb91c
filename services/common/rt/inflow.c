#include "rt/inflow.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes that came over the connection; 0 when it is none of TCP. */
static uint64_t came(const struct inflow *f)
{
	struct tcp_info info = {0};
	socklen_t n = sizeof info;

	if (f->fd < 0 || getsockopt(f->fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0 ||
	    n < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received)
		return 0;
	return info.tcpi_bytes_received;
}

void inflow_init(struct inflow *f)
{
	*f = (struct inflow){.fd = -1};
}

void inflow_open(struct inflow *f, int fd)
{
	inflow_close(f);
	/* libzmq closes its own whenever it likes, and the number would be another file's. */
	f->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void inflow_close(struct inflow *f)
{
	if (f->fd >= 0)
		close(f->fd);
	inflow_init(f);
}

void inflow_took(struct inflow *f, size_t bytes)
{
	f->settled += bytes;
}

void inflow_none_waits(struct inflow *f)
{
	f->settled = came(f);
}

bool inflow_too_much(const struct inflow *f)
{
	uint64_t n = came(f);

	return n > f->settled && n - f->settled > INFLOW_MAX;
}

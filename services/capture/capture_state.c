#include "capture/capture_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

void capture_state_encode(const struct capture_state *s, char out[CAPTURE_STATE_BYTES])
{
	int n = snprintf(out, CAPTURE_STATE_BYTES,
			 "lurker-capture 1 %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
			 " %.31s",
			 s->clean, s->next, s->alive_ns, s->rx_packets, s->tx_packets,
			 s->interface[0] ? s->interface : "-");
	memset(out + n, ' ', (size_t)(CAPTURE_STATE_BYTES - n));
	out[CAPTURE_STATE_BYTES - 1] = '\n';
}

int capture_state_decode(const char *text, size_t n, struct capture_state *out)
{
	char line[CAPTURE_STATE_BYTES + 1];
	unsigned clean;
	struct capture_state s = {0};

	if (n != CAPTURE_STATE_BYTES || text[CAPTURE_STATE_BYTES - 1] != '\n')
		return -EBADMSG;
	memcpy(line, text, CAPTURE_STATE_BYTES);
	line[CAPTURE_STATE_BYTES] = '\0';
	if (sscanf(line,
		   "lurker-capture 1 %1u %20" SCNu64 " %20" SCNu64 " %20" SCNu64 " %20" SCNu64
		   " %31s",
		   &clean, &s.next, &s.alive_ns, &s.rx_packets, &s.tx_packets, s.interface) != 6)
		return -EBADMSG;
	s.clean = clean != 0;
	if (strcmp(s.interface, "-") == 0)
		s.interface[0] = '\0';
	*out = s;
	return 0;
}

int capture_state_open(const char *path, struct capture_state *s, bool *broken, int *out)
{
	char text[CAPTURE_STATE_BYTES];

	*s = (struct capture_state){.clean = true};
	*broken = false;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
		close(fd);
		return rc;
	}
	ssize_t n = pread(fd, text, sizeof text, 0);
	if (n < 0) {
		int rc = -errno;
		close(fd);
		return rc;
	}
	if (n > 0)
		*broken = capture_state_decode(text, (size_t)n, s) != 0;
	*out = fd;
	return 0;
}

int capture_state_save(int fd, const struct capture_state *s)
{
	char text[CAPTURE_STATE_BYTES];

	capture_state_encode(s, text);
	ssize_t n = pwrite(fd, text, sizeof text, 0);
	return n == (ssize_t)sizeof text ? 0 : n < 0 ? -errno : -ENOSPC;
}

static uint64_t hole_since(uint64_t then, uint64_t now)
{
	return now >= then ? now - then : now;
}

bool capture_state_hole(const struct capture_state *was, const char *interface, uint64_t now_ns,
			uint64_t now_rx, uint64_t now_tx, struct hole *out)
{
	if (was->clean || !was->interface[0])
		return false;
	bool same = strcmp(was->interface, interface) == 0;
	*out = (struct hole){
		.from_ns = was->alive_ns,
		.to_ns = now_ns,
		.rx_packets = same ? hole_since(was->rx_packets, now_rx) : 0,
		.tx_packets = same ? hole_since(was->tx_packets, now_tx) : 0,
	};
	return true;
}

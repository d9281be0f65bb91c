#include "capture/iface.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ssize_t iface_slurp(const char *path, char *out, size_t n)
{
	size_t have = 0;

	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (ssize_t got = 1; got > 0 && have < n - 1; have += (size_t)got) {
		got = read(fd, out + have, n - 1 - have);
		if (got < 0) {
			close(fd);
			return -EIO;
		}
	}
	close(fd);
	out[have] = '\0';
	return (ssize_t)have;
}

static bool iface_sys_text(const char *name, const char *file, char *out, size_t n)
{
	char path[128];

	if (!name[0] || strlen(name) >= IFACE_NAME || strchr(name, '/') || name[0] == '.')
		return false;
	snprintf(path, sizeof path, "/sys/class/net/%s/%s", name, file);
	return iface_slurp(path, out, n) > 0;
}

void iface_counters(const char *name, uint64_t *rx, uint64_t *tx)
{
	char text[32];

	*rx = iface_sys_text(name, "statistics/rx_packets", text, sizeof text)
		      ? strtoull(text, NULL, 10)
		      : 0;
	*tx = iface_sys_text(name, "statistics/tx_packets", text, sizeof text)
		      ? strtoull(text, NULL, 10)
		      : 0;
}

bool iface_up(const char *name, int *index)
{
	char text[32];

	*index = 0;
	if (!iface_sys_text(name, "ifindex", text, sizeof text))
		return false;
	*index = (int)strtol(text, NULL, 10);
	return iface_sys_text(name, "flags", text, sizeof text) &&
	       (strtoul(text, NULL, 16) & IFF_UP);
}

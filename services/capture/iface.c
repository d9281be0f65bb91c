#include "capture/iface.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ssize_t slurp(const char *path, char *out, size_t n)
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

static bool sys_text(const char *name, const char *file, char *out, size_t n)
{
	char path[128];

	if (!name[0] || strlen(name) >= IFACE_NAME || strchr(name, '/') || name[0] == '.')
		return false;
	snprintf(path, sizeof path, "/sys/class/net/%s/%s", name, file);
	return slurp(path, out, n) > 0;
}

void iface_counters(const char *name, uint64_t *rx, uint64_t *tx)
{
	char text[32];

	*rx = sys_text(name, "statistics/rx_packets", text, sizeof text) ? strtoull(text, NULL, 10)
									 : 0;
	*tx = sys_text(name, "statistics/tx_packets", text, sizeof text) ? strtoull(text, NULL, 10)
									 : 0;
}

bool iface_up(const char *name, int *index)
{
	char text[32];

	*index = 0;
	if (!sys_text(name, "ifindex", text, sizeof text))
		return false;
	*index = (int)strtol(text, NULL, 10);
	return sys_text(name, "flags", text, sizeof text) && (strtoul(text, NULL, 16) & IFF_UP);
}

int iface_route4(const char *text, char out[IFACE_NAME])
{
	/* Iface Destination Gateway Flags RefCnt Use Metric Mask …, all in hex but the metric. */
	for (const char *line = strchr(text, '\n'); line; line = strchr(line, '\n')) {
		char name[IFACE_NAME];
		unsigned long dst, mask;
		line++;
		if (sscanf(line, "%15s %lx %*x %*x %*d %*d %*d %lx", name, &dst, &mask) == 3 &&
		    !dst && !mask) {
			memcpy(out, name, sizeof name);
			return 0;
		}
	}
	return -ENODEV;
}

int iface_route6(const char *text, char out[IFACE_NAME])
{
	/* destination prefixlen source prefixlen nexthop metric refcnt use flags interface */
	for (const char *line = text; line && *line;) {
		char dst[33], name[IFACE_NAME];
		unsigned bits;
		if (sscanf(line, "%32s %x %*s %*x %*s %*x %*x %*x %*x %15s", dst, &bits, name) ==
			    3 &&
		    !bits && strspn(dst, "0") == 32 && strcmp(name, "lo") != 0) {
			memcpy(out, name, sizeof name);
			return 0;
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return -ENODEV;
}

int iface_default(char out[IFACE_NAME])
{
	char text[65536];

	if (slurp("/proc/net/route", text, sizeof text) > 0 && iface_route4(text, out) == 0)
		return 0;
	if (slurp("/proc/net/ipv6_route", text, sizeof text) > 0 && iface_route6(text, out) == 0)
		return 0;
	return -ENODEV;
}

#include "rt/route.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int route_find4(const char *text, char out[ROUTE_NAME])
{
	/* Iface Destination Gateway Flags RefCnt Use Metric Mask …, all in hex but the metric. */
	for (const char *line = strchr(text, '\n'); line; line = strchr(line, '\n')) {
		char name[ROUTE_NAME];
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

int route_find6(const char *text, char out[ROUTE_NAME])
{
	/* destination prefixlen source prefixlen nexthop metric refcnt use flags interface */
	for (const char *line = text; line && *line;) {
		char dst[33], name[ROUTE_NAME];
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

static bool slurp(const char *path, char *out, size_t n)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	out[fread(out, 1, n - 1, f)] = '\0';
	fclose(f);
	return *out != '\0';
}

int route_default(char out[ROUTE_NAME])
{
	char text[65536];

	if (slurp("/proc/self/net/route", text, sizeof text) && route_find4(text, out) == 0)
		return 0;
	if (slurp("/proc/self/net/ipv6_route", text, sizeof text) && route_find6(text, out) == 0)
		return 0;
	return -ENODEV;
}

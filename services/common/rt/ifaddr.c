#include "rt/ifaddr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

static bool wanted(const struct ifaddrs *i, const char *interface)
{
	if (!i->ifa_addr)
		return false;
	if (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6)
		return false;
	return interface ? strcmp(i->ifa_name, interface) == 0 : !(i->ifa_flags & IFF_LOOPBACK);
}

int ifaddr_list(const char *interface, struct opt_list *out)
{
	struct ifaddrs *all = NULL;
	int rc = 0;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *i = all; i && !rc; i = i->ifa_next) {
		char text[INET6_ADDRSTRLEN];
		const void *bytes;
		if (!wanted(i, interface))
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			bytes = &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr;
		else
			bytes = &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)
					 ->sin6_addr;
		if (inet_ntop(i->ifa_addr->sa_family, bytes, text, sizeof text))
			rc = opt_list_add(out, text);
	}
	freeifaddrs(all);
	return rc;
}

#include "responder/host.h"

#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "responder/kernel.h"

static enum host_state host_look_link(const char *name, const struct interface_link *link)
{
	enum host_state state = HOST_DOWN;
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return HOST_SAME; /* no news */
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		const struct sockaddr_ll *ll =
			(const struct sockaddr_ll *)(const void *)i->ifa_addr;

		if (!ll || ll->sll_family != AF_PACKET || strcmp(i->ifa_name, name) != 0)
			continue;
		if (ll->sll_ifindex != link->index ||
		    memcmp(ll->sll_addr, link->mac, sizeof link->mac) != 0)
			state = HOST_CHANGED;
		else if (i->ifa_flags & IFF_UP)
			state = HOST_SAME;
		break;
	}
	freeifaddrs(all);
	return state;
}

enum host_state host_look(const struct conf *c, const struct interface_link *link,
			  const struct watch *w, bool forwards)
{
	static struct watch now;
	enum host_state state = host_look_link(c->interface, link);
	char err[256];

	if (state == HOST_DOWN)
		return HOST_DOWN;
	if (conf_watch(c, &now, err, sizeof err) < 0)
		return HOST_DOWN;
	if (state == HOST_CHANGED || !watch_same(w, &now) || forwards != kernel_forwards())
		return HOST_CHANGED;
	return HOST_SAME;
}

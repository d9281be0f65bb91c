#include "capture/conf.h"

#include <errno.h>
#include <string.h>

#include "capture/iface.h"
#include "capture/ring.h"
#include "rt/svc.h"

#define O(field) offsetof(struct conf, field)
const struct opt conf_opts[] = {
	SVC_OPT_ENDPOINT(struct conf),
	{"interface", 'i', OPT_STR, O(interface), NULL, 0, 0, NULL,
	 "interface to listen on; by default the one of the default route", NULL},
	{"filter", 'f', OPT_STR, O(filter), NULL, 0, 0, NULL,
	 "packets that the kernel hands over, in the language of pcap-filter(7); everything by "
	 "default",
	 NULL},
	{"networks", 'n', OPT_LIST, O(networks), NULL, 0, 0, NULL,
	 "watched networks besides the interface's own addresses: exclude_ports holds on both",
	 NULL},
	{"exclude_ports", 'e', OPT_LIST, O(exclude_ports), NULL, 0, 0, NULL,
	 "TCP port or range that is the host's own on all watched addresses: not captured", NULL},
	{"host_ports", 0, OPT_LIST, O(host_ports), "22", 0, 0, NULL,
	 "TCP port or range that is the host's own on the interface's addresses only: not "
	 "captured; none captures every port",
	 NULL},
	{"file", 'r', OPT_STR, O(file), NULL, 0, 0, NULL,
	 "read this pcap or pcapng file (- is standard input) instead of an interface, and end",
	 NULL},
	{"pace", 0, OPT_INT, O(pace), "0", 0, 1000000, NULL,
	 "speed at which a capture file is read: 1 is the speed of its time stamps, n is n times "
	 "that, 0 is as fast as flowagg keeps up",
	 NULL},
	{"end_gap_s", 0, OPT_INT, O(end_gap_s), "7200", 0, 1000000, "s",
	 "time by which the clock moves on after the last packet of a capture file, which ends "
	 "every flow; 0 leaves the flows open",
	 NULL},
	{"promiscuous", 'p', OPT_BOOL, O(promiscuous), "false", 0, 0, NULL,
	 "also capture frames that are addressed to other hosts", NULL},
	{"snaplen", 's', OPT_INT, O(snaplen), "262144", 64, 262144, "bytes",
	 "bytes of each packet that are kept", NULL},
	{"ring", 0, OPT_SIZE, O(ring), "32MiB", 1 << 20, 1 << 30, "bytes",
	 "size of the ring that the kernel and capture share", NULL},
	{"timeout_ms", 0, OPT_INT, O(timeout_ms), "50", 1, 1000, "ms",
	 "longest time that packets wait in the ring for a block to fill", NULL},
	{"journal_segment", 0, OPT_SIZE, O(journal_segment), "32MiB", 1 << 16, 1 << 30, "bytes",
	 "size of a journal segment", NULL},
	{"journal_total", 0, OPT_SIZE, O(journal_total), "1GiB", 1 << 19, INT64_C(1) << 42, "bytes",
	 "size of all journal segments together; beyond this, the oldest segment is removed", NULL},
	{"journal_sync", 0, OPT_BOOL, O(journal_sync), "true", 0, 0, NULL,
	 "flush the journal to disk once a second, so that a power loss costs no more than that",
	 NULL},
	{0},
};
#undef O

struct scope conf_scope(const struct conf *c, const struct opt_list *addresses)
{
	return (struct scope){c->filter, &c->networks, &c->exclude_ports, addresses,
			      &c->host_ports};
}

int conf_check(const struct conf *c)
{
	char err[512];
	struct opt_list none = {0};
	struct scope scope = conf_scope(c, &none);

	if (scope_check(&scope, err, sizeof err)) {
		log_error("option", "error=\"%s\"", err);
		return -EINVAL;
	}
	if (c->journal_total / 8 < c->journal_segment) {
		log_error("option",
			  "error=\"journal_total must be at least 8 times journal_segment\"");
		return -EINVAL;
	}
	if (c->filter && ring_check_filter(c->filter, (int)c->snaplen, err, sizeof err)) {
		log_error("option filter", "error=\"%s\"", err);
		return -EINVAL;
	}
	if (c->interface && strlen(c->interface) >= IFACE_NAME) {
		log_error("option interface", "error=\"a name has at most %d characters\"",
			  IFACE_NAME - 1);
		return -EINVAL;
	}
	return 0;
}

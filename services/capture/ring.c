#include "capture/ring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "capture/iface.h"
#include "pkt/linktype.h"

struct ring {
	pcap_t *p;
	char interface[IFACE_NAME];
	int index;                   /* the interface's number when the socket was bound to it */
	int linktype;                /* LINKTYPE_ number */
	uint32_t recv, drop, ifdrop; /* libpcap's counters wrap at 32 bits */
	struct ring_counts counts;
};

int ring_check_filter(const char *filter, int snaplen, char *err, size_t errlen)
{
	struct bpf_program prog;

	pcap_t *p = pcap_open_dead(DLT_EN10MB, snaplen);
	if (!p)
		return -ENOMEM;
	int rc = pcap_compile(p, &prog, filter, 1, PCAP_NETMASK_UNKNOWN);
	if (rc < 0)
		snprintf(err, errlen, "%s", pcap_geterr(p));
	else
		pcap_freecode(&prog);
	pcap_close(p);
	return rc < 0 ? -EINVAL : 0;
}

static int ring_set_filter(struct ring *r, const char *filter, char *err, size_t errlen)
{
	struct bpf_program prog;
	int rc = 0;

	if (!filter || !*filter)
		return 0;
	if (pcap_compile(r->p, &prog, filter, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		snprintf(err, errlen, "filter: %s", pcap_geterr(r->p));
		return -EINVAL;
	}
	if (pcap_setfilter(r->p, &prog) < 0) {
		snprintf(err, errlen, "filter: %s", pcap_geterr(r->p));
		rc = -EINVAL;
	}
	pcap_freecode(&prog);
	return rc;
}

static int ring_activate(struct ring *r, const struct ring_options *o, char *err, size_t errlen)
{
	char perr[PCAP_ERRBUF_SIZE] = "";

	r->p = pcap_create(o->interface, perr);
	if (!r->p) {
		snprintf(err, errlen, "%s", perr);
		return -EIO;
	}
	pcap_set_snaplen(r->p, o->snaplen);
	pcap_set_promisc(r->p, o->promiscuous);
	pcap_set_timeout(r->p, o->timeout_ms);
	pcap_set_buffer_size(r->p, o->ring_bytes);
	pcap_set_immediate_mode(r->p, 0);
	if (pcap_set_tstamp_precision(r->p, PCAP_TSTAMP_PRECISION_NANO) != 0) {
		snprintf(err, errlen, "nanosecond stamps are not to be had");
		return -EIO;
	}
	int rc = pcap_activate(r->p);
	if (rc < 0) {
		snprintf(err, errlen, "%s: %s", pcap_statustostr(rc), pcap_geterr(r->p));
		return rc == PCAP_ERROR_NO_SUCH_DEVICE ? -ENODEV
		       : rc == PCAP_ERROR_PERM_DENIED  ? -EPERM
		       : rc == PCAP_ERROR_IFACE_NOT_UP ? -ENETDOWN
						       : -EIO;
	}
	if (pcap_setnonblock(r->p, 1, perr) < 0) {
		snprintf(err, errlen, "%s", perr);
		return -EIO;
	}
	return 0;
}

int ring_open(const struct ring_options *o, struct ring **out, char *err, size_t errlen)
{
	struct ring *r = calloc(1, sizeof *r);

	if (!r)
		return -ENOMEM;
	snprintf(r->interface, sizeof r->interface, "%s", o->interface);
	int rc = ring_activate(r, o, err, errlen);
	if (!rc)
		rc = ring_set_filter(r, o->filter, err, errlen);
	if (rc) {
		ring_close(&r);
		return rc;
	}
	iface_up(r->interface, &r->index);
	r->linktype = linktype_of_dlt(pcap_datalink(r->p));
	*out = r;
	return 0;
}

void ring_close(struct ring **r)
{
	if (*r && (*r)->p)
		pcap_close((*r)->p);
	free(*r);
	*r = NULL;
}

int ring_fd(const struct ring *r)
{
	return pcap_get_selectable_fd(r->p);
}

int ring_index(const struct ring *r)
{
	return r->index;
}

struct handover {
	struct ring *r;
	ring_fn fn;
	void *arg;
};

static void ring_packet(u_char *user, const struct pcap_pkthdr *h, const u_char *data)
{
	const struct handover *v = (const void *)user;

	/* With nanosecond precision tv_usec holds nanoseconds (pcap_set_tstamp_precision(3)). */
	uint64_t ts = (uint64_t)h->ts.tv_sec * UINT64_C(1000000000) + (uint64_t)h->ts.tv_usec;
	v->fn(v->arg, v->r->linktype, ts, h->caplen, h->len, data);
}

int ring_read(struct ring *r, int max, ring_fn fn, void *arg)
{
	struct handover v = {r, fn, arg};

	int n = pcap_dispatch(r->p, max, ring_packet, (u_char *)&v);
	/* The filter and the ring cannot fail any more, so the interface did. */
	return n < 0 ? -ENETDOWN : n;
}

int ring_resume(struct ring *r)
{
	int index;

	if (!iface_up(r->interface, &index))
		return -ENETDOWN;
	if (index != r->index) {
		struct sockaddr_ll to = {
			.sll_family = AF_PACKET,
			.sll_protocol = htons(ETH_P_ALL),
			.sll_ifindex = index,
		};
		if (bind(ring_fd(r), (const struct sockaddr *)&to, sizeof to) < 0)
			return -ENETDOWN;
		r->index = index;
	}
	/* Clears the error that the socket kept from the time when the interface was down. */
	int error;
	socklen_t len = sizeof error;
	getsockopt(ring_fd(r), SOL_SOCKET, SO_ERROR, &error, &len);
	return 0;
}

struct ring_counts ring_counts(struct ring *r)
{
	struct pcap_stat st;

	if (pcap_stats(r->p, &st) == 0) {
		r->counts.packets += st.ps_recv - r->recv;
		r->counts.dropped += st.ps_drop - r->drop;
		r->counts.if_dropped += st.ps_ifdrop - r->ifdrop;
		r->recv = st.ps_recv;
		r->drop = st.ps_drop;
		r->ifdrop = st.ps_ifdrop;
	}
	return r->counts;
}

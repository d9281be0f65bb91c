#include "read/packet_filter.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/be.h"
#include "pkt/linktype.h"

/* Link types of one run; a file with more of them is not filtered any further: the last one is
 * compiled anew. */
#define MAX_LINKS 16

struct packet_filter {
	char *expression;
	struct {
		int linktype;
		bool valid;
		struct bpf_program program;
		char why[160]; /* if it is not valid */
	} link[MAX_LINKS];
	size_t n;
};

/* link_of: what the packet is compiled for. The address family of BSD loopback is in the byte order
 * of the machine that captured; that of a machine of the other order stands as LINK_LOOP has it. */
static int link_of(const struct capfile_packet *k)
{
	bool network_order = k->linktype == LINK_NULL && k->caplen >= 4 && be32(k->data) <= 0xffff;

	return network_order ? LINK_LOOP : k->linktype;
}

static int compile(const char *expression, int linktype, struct bpf_program *out, char *err,
		   size_t errlen)
{
	pcap_t *p = pcap_open_dead(linktype_dlt(linktype), CAPFILE_MAX_PACKET);

	if (!p)
		return -ENOMEM;
	int rc = pcap_compile(p, out, expression, 1, PCAP_NETMASK_UNKNOWN) ? -EINVAL : 0;
	if (rc)
		snprintf(err, errlen, "%s", pcap_geterr(p));
	pcap_close(p);
	return rc;
}

int packet_filter_new(const char *expression, struct packet_filter **out, char *err, size_t errlen)
{
	struct bpf_program trial;

	*out = NULL;
	*err = 0;
	int rc = compile(expression, DLT_EN10MB, &trial, err, errlen);
	if (rc)
		return rc;
	pcap_freecode(&trial);
	struct packet_filter *f = calloc(1, sizeof *f);
	if (f)
		f->expression = strdup(expression);
	if (!f || !f->expression) {
		free(f);
		return -ENOMEM;
	}
	*out = f;
	return 0;
}

void packet_filter_free(struct packet_filter **fp)
{
	struct packet_filter *f = *fp;

	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		if (f->link[i].valid)
			pcap_freecode(&f->link[i].program);
	free(f->expression);
	free(f);
	*fp = NULL;
}

int packet_filter_match(struct packet_filter *f, const struct capfile_packet *k, const char **why)
{
	int linktype = link_of(k);
	size_t i = 0;

	while (i < f->n && f->link[i].linktype != linktype)
		i++;
	if (i == f->n) {
		if (i == MAX_LINKS) {
			i--;
			if (f->link[i].valid)
				pcap_freecode(&f->link[i].program);
		} else {
			f->n++;
		}
		f->link[i].linktype = linktype;
		f->link[i].valid = !compile(f->expression, linktype, &f->link[i].program,
					    f->link[i].why, sizeof f->link[i].why);
	}
	*why = f->link[i].why;
	if (!f->link[i].valid)
		return -EINVAL;
	const struct pcap_pkthdr h = {.caplen = k->caplen, .len = k->len};
	return pcap_offline_filter(&f->link[i].program, &h, k->data) > 0;
}

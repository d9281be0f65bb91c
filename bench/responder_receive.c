/*
 * responder_receive: three ways to take SYNs off an interface with little delay, each with 16 MiB:
 *
 *   responder_receive IFACE v2|recvmmsg|pcap
 *
 * v2 is the responder's own ring (services/responder/interface.c); recvmmsg takes 64 frames a call
 * from a plain packet socket; pcap is libpcap in immediate mode. Counts frames until SIGTERM, then
 * prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "responder/interface.h"

#define RING (16u << 20)
#define MANY 64

static volatile sig_atomic_t stop;
static uint64_t frames, bytes, drops;

static void on_term(int number)
{
	(void)number;
	stop = 1;
}

/* What any answer must look at. */
static void look(const uint8_t *p, uint32_t n)
{
	frames++;
	bytes += n + p[0] + p[n - 1];
}

static void by_ring(const struct interface_link *link, const struct sock_fprog *filter)
{
	static struct interface w;
	struct interface_frame f[INTERFACE_GROUP];
	uint32_t n;
	struct pollfd p = {.events = POLLIN};
	char err[256];

	if (interface_open(&w, link, RING, filter, 0, err, sizeof err) < 0) {
		fprintf(stderr, "%s\n", err);
		exit(1);
	}
	p.fd = w.rx;
	fputs("answering\n", stderr);
	while (!stop) {
		poll(&p, 1, -1);
		while (interface_take(&w, f, &n)) {
			for (uint32_t i = 0; i < n; i++)
				look(f[i].data, f[i].caplen);
			interface_give(&w);
		}
	}
	drops = interface_drops(&w);
}

static void by_recvmmsg(const struct interface_link *link, const struct sock_fprog *filter)
{
	static uint8_t memory[MANY][2048];
	struct mmsghdr msg[MANY] = {0};
	struct iovec iov[MANY];
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = link->index};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), size = RING / 2 /* the kernel doubles it */,
	    on = 1;
	struct tpacket_stats s;
	socklen_t len = sizeof s;
	struct pollfd p = {fd, POLLIN, 0};

	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof *filter);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
		exit(1);
	for (int i = 0; i < MANY; i++) {
		iov[i] = (struct iovec){memory[i], sizeof memory[i]};
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	fputs("answering\n", stderr);
	while (!stop) {
		int n;

		poll(&p, 1, -1);
		while ((n = recvmmsg(fd, msg, MANY, MSG_DONTWAIT, NULL)) > 0)
			for (int i = 0; i < n; i++)
				look(memory[i], msg[i].msg_len);
	}
	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &s, &len) == 0)
		drops = s.tp_drops;
}

static void on_packet(u_char *arg, const struct pcap_pkthdr *h, const u_char *p)
{
	(void)arg;
	look(p, h->caplen);
}

static void by_pcap(const char *iface, struct bpf_program *program)
{
	char err[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_create(iface, err);
	struct pcap_stat s;
	struct pollfd fd = {.events = POLLIN};

	/* Frames of 64 KiB have to be whole, so the snap length is what it is in the responder. */
	pcap_set_snaplen(p, 65535);
	pcap_set_immediate_mode(p, 1);
	pcap_set_buffer_size(p, RING);
	if (pcap_activate(p) < 0 || pcap_setnonblock(p, 1, err) < 0 ||
	    pcap_setdirection(p, PCAP_D_IN) < 0 || pcap_setfilter(p, program) < 0)
		exit(1);
	fd.fd = pcap_get_selectable_fd(p);
	fputs("answering\n", stderr);
	while (!stop) {
		poll(&fd, 1, -1);
		while (pcap_dispatch(p, -1, on_packet, NULL) > 0)
			;
	}
	if (pcap_stats(p, &s) == 0)
		drops = s.ps_drop;
}

int main(int argc, char **argv)
{
	struct sigaction on = {.sa_handler = on_term};
	struct bpf_program program;
	struct sock_fprog filter;
	struct interface_link link;
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, 65535);

	if (argc != 3 || interface_find(argv[1], &link) < 0 ||
	    pcap_compile(dead, &program, "tcp and dst net 203.0.113.0/24", 1,
			 PCAP_NETMASK_UNKNOWN) < 0)
		return 2;
	filter = (struct sock_fprog){(unsigned short)program.bf_len,
				     (struct sock_filter *)(void *)program.bf_insns};
	sigaction(SIGTERM, &on, NULL);
	if (strcmp(argv[2], "v2") == 0)
		by_ring(&link, &filter);
	else if (strcmp(argv[2], "recvmmsg") == 0)
		by_recvmmsg(&link, &filter);
	else
		by_pcap(argv[1], &program);
	printf("{\"frames\": %llu, \"dropped\": %llu, \"bytes\": %llu}\n",
	       (unsigned long long)frames, (unsigned long long)drops, (unsigned long long)bytes);
	return 0;
}

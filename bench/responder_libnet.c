/*
 * responder_libnet: the plain loop that lurker's responder is measured against: libpcap in
 * immediate mode, and for each SYN the headers built with libnet and one libnet_write.
 *
 *   responder_libnet IFACE FILTER
 */
#include <libnet.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static libnet_ptag_t tcp_options, tcp, ip, ethernet;

static int answer(libnet_t *l, const uint8_t *f)
{
	static const uint8_t options[20] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
					    0, 7, 0, 0,    0, 0, 1, 3,  3, 7};
	const uint8_t *t = f + 14 + (f[14] & 15) * 4;
	uint16_t sport = (uint16_t)(t[0] << 8 | t[1]), dport = (uint16_t)(t[2] << 8 | t[3]);
	uint32_t seq = (uint32_t)t[4] << 24 | (uint32_t)t[5] << 16 | (uint32_t)t[6] << 8 | t[7],
		 src, dst;

	memcpy(&src, f + 26, 4);
	memcpy(&dst, f + 30, 4);
	tcp_options = libnet_build_tcp_options(options, sizeof options, l, tcp_options);
	tcp = libnet_build_tcp(dport, sport, libnet_get_prand(LIBNET_PRu32), seq + 1,
			       TH_SYN | TH_ACK, 64240, 0, 0, 40, NULL, 0, l, tcp);
	ip = libnet_build_ipv4(60, 0, 0, IP_DF, 64, IPPROTO_TCP, 0, dst, src, NULL, 0, l, ip);
	ethernet = libnet_build_ethernet(f + 6, f, ETHERTYPE_IP, NULL, 0, l, ethernet);
	return libnet_write(l);
}

int main(int argc, char **argv)
{
	char err[PCAP_ERRBUF_SIZE + LIBNET_ERRBUF_SIZE];
	struct bpf_program program, none;
	struct pcap_pkthdr *h;
	const uint8_t *f;
	pcap_t *p;
	libnet_t *l;

	if (argc != 3)
		return 2;
	p = pcap_create(argv[1], err);
	l = libnet_init(LIBNET_LINK, argv[1], err);
	if (!p || !l) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	/* The ring and the snap length with which immediate mode keeps up; see the figures in
	 * responder.py. */
	pcap_set_immediate_mode(p, 1);
	pcap_set_snaplen(p, 128);
	pcap_set_buffer_size(p, 64 << 20);
	if (pcap_activate(p) < 0 || pcap_setdirection(p, PCAP_D_IN) < 0 ||
	    pcap_compile(p, &program, argv[2], 1, PCAP_NETMASK_UNKNOWN) < 0 ||
	    pcap_setfilter(p, &program) < 0) {
		fprintf(stderr, "%s\n", pcap_geterr(p));
		return 1;
	}
	/* libnet's socket would receive every frame of the host as well. */
	if (pcap_compile(p, &none, "less 1", 1, PCAP_NETMASK_UNKNOWN) == 0)
		setsockopt(libnet_getfd(l), SOL_SOCKET, 26 /* SO_ATTACH_FILTER */, &(struct {
				   unsigned short n;
				   void *i;
			   }){(unsigned short)none.bf_len, none.bf_insns},
			   16);
	fputs("answering\n", stderr);
	while (pcap_next_ex(p, &h, &f) >= 0)
		if (h && h->caplen >= 54)
			answer(l, f);
	return 0;
}

/*
 * attack_capture: writes a capture of a sensor under attack, as fast as the disk takes it, the same
 * bytes for the same arguments.
 *
 *   attack_capture OUT FLOWS MEGABYTES PAYLOADS [distinct]
 *
 * PAYLOADS is a file of payloads, each with its length in 4 bytes (host order) before it. Of the
 * flows, four in ten are scans (SYN, SYN+ACK, RST, or the SYN alone), one in twenty is a UDP
 * datagram, the others connections that send a
 * payload: handshake, segments of at most 1,400 bytes with an ACK each, FIN from both sides.
 * Attackers repeat themselves: a tenth of the payloads makes up half of the connections, each goes
 * to one port nine times in ten; one connection in fifty is an upload that sends its payload again
 * and again, as long as it takes to give the capture about the size that was asked for. Many flows
 * are under way at any time, some segments come twice or in the wrong order. With `distinct` no two
 * flows send the same bytes: each payload has eight hex digits of its own in its first half, so
 * that nothing that remembers payloads gains by it. Ethernet, IPv4 and (one in eight) IPv6,
 * checksums right.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/be.h"
#include "pkt/capfile.h"
#include "pkt/cksum.h"

#define OPEN 4096 /* flows under way */
#define MSS  1400
#define MARK 8

static uint64_t rng_state = 0x9e3779b97f4a7c15u;

static uint32_t rnd(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (uint32_t)(rng_state >> 32);
}

struct payload {
	const uint8_t *p;
	uint32_t n;
};

struct flow {
	struct addr src, dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t kind; /* 0 idle, 1 lone SYN, 2 SYN scan, 3 UDP, 4 connection */
	uint8_t step;
	struct payload pay;
	uint32_t total, sent;
	uint8_t mark[MARK]; /* distinct: what stands in its payload at mark_at */
	uint32_t mark_at;
};

static FILE *out;
static bool distinct;
static uint64_t now_ns = 1700000000000000000u;
static uint64_t written, packets;

static void emit(const struct flow *f, bool back, uint8_t proto, uint8_t flags, uint32_t seq,
		 uint32_t ack, const uint8_t *opt, uint32_t nopt, const uint8_t *p, uint32_t n)
{
	static uint8_t b[PCAP_RECORD_HEADER + 2048];
	const struct addr *src = back ? &f->dst : &f->src, *dst = back ? &f->src : &f->dst;
	uint8_t *e = b + PCAP_RECORD_HEADER, *ip = e + 14;
	bool v6 = src->family == 6;
	uint8_t *l4 = ip + (v6 ? 40 : 20);
	uint32_t l4_len = (proto == 17 ? 8 : 20 + nopt) + n;
	uint32_t len = (uint32_t)(l4 - e) + l4_len;

	memset(b, 0, (size_t)(l4 - b) + 20);
	memcpy(e, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	put_be16(e + 12, v6 ? 0x86dd : 0x0800);
	if (v6) {
		ip[0] = 0x60;
		put_be16(ip + 4, (uint16_t)l4_len);
		ip[6] = proto;
		ip[7] = 52;
		memcpy(ip + 8, src->b, 16);
		memcpy(ip + 24, dst->b, 16);
	} else {
		ip[0] = 0x45;
		put_be16(ip + 2, (uint16_t)(20 + l4_len));
		put_be16(ip + 4, (uint16_t)rnd());
		ip[8] = 52;
		ip[9] = proto;
		memcpy(ip + 12, src->b, 4);
		memcpy(ip + 16, dst->b, 4);
		uint16_t sum = cksum_fold(cksum_add(0, ip, 20));
		memcpy(ip + 10, &sum, 2);
	}
	put_be16(l4, back ? f->dport : f->sport);
	put_be16(l4 + 2, back ? f->sport : f->dport);
	if (proto == 17) {
		put_be16(l4 + 4, (uint16_t)l4_len);
		memcpy(l4 + 8, p, n);
	} else {
		put_be32(l4 + 4, seq);
		put_be32(l4 + 8, ack);
		l4[12] = (uint8_t)((20 + nopt) / 4 << 4);
		l4[13] = flags;
		put_be16(l4 + 14, 64240);
		if (nopt)
			memcpy(l4 + 20, opt, nopt);
		if (n)
			memcpy(l4 + 20 + nopt, p, n);
	}
	uint16_t sum = cksum_fold(cksum_add(cksum_pseudo(src, dst, proto, l4_len), l4, l4_len));
	memcpy(l4 + (proto == 17 ? 6 : 16), &sum, 2);
	now_ns += 300 + rnd() % 2000;
	pcap_put_record(b, now_ns, len, len);
	if (fwrite(b, 1, PCAP_RECORD_HEADER + len, out) != PCAP_RECORD_HEADER + len) {
		perror("attack_capture");
		exit(1);
	}
	written += PCAP_RECORD_HEADER + len;
	packets++;
}

static void random_addr(struct addr *a, bool v6)
{
	uint8_t b[16] = {0x20, 0x01, 0x0d, 0xb8};

	for (int i = 4; i < 16; i++)
		b[i] = (uint8_t)rnd();
	if (v6) {
		*a = addr_v6(b);
	} else {
		b[4] = (uint8_t)(1 + b[4] % 220);
		*a = addr_v4(b + 4);
	}
}

/* begin: flow number `number`. */
static void begin(struct flow *f, const struct payload *pays, uint32_t npays, uint32_t bytes,
		  uint32_t number)
{
	static const uint8_t zeros[MARK];
	char digits[MARK + 1];
	static const uint16_t ports[] = {22,   23,   80,   443,  445,  2375,
					 3389, 5555, 6379, 8080, 8443, 9200};
	uint32_t dice = rnd() % 100;
	bool v6 = rnd() % 8 == 0;

	memset(f, 0, sizeof *f);
	random_addr(&f->src, v6);
	f->dst = v6 ? addr_v6((const uint8_t *)" \1\r\270\0\0\0\0\0\0\0\0\0\0\0\20")
		    : addr_v4((const uint8_t *)"\300\0\2\12");
	f->dst.b[v6 ? 15 : 3] = (uint8_t)(rnd() % 16 + 1);
	f->sport = (uint16_t)(1024 + rnd() % 60000);
	f->seq = rnd();
	f->ack = rnd();
	f->kind = dice < 10 ? 1 : dice < 40 ? 2 : dice < 45 ? 3 : 4;
	double u = rnd() / 4294967296.0;
	uint32_t which = (uint32_t)(u * u * u * npays);
	f->pay = pays[which];
	f->dport = rnd() % 10 ? ports[which % (sizeof ports / sizeof ports[0])] : (uint16_t)rnd();
	if (f->kind == 3 && f->pay.n > MSS)
		f->pay.n = MSS;
	f->mark_at = f->pay.n > 2 * MARK ? f->pay.n / 2 - MARK : 0;
	snprintf(digits, sizeof digits, "%08x", number);
	memcpy(f->mark, digits, MARK);
	/* Shorter ones have no room for it. */
	if (distinct && f->pay.n < MARK)
		f->pay.p = zeros, f->pay.n = MARK;
	f->total = f->pay.n;
	if (f->kind == 4 && rnd() % 50 == 0 && bytes > f->pay.n)
		f->total = (bytes / f->pay.n + 1) * f->pay.n;
}

/* segment: the bytes of the flow from at on; the payload repeats. */
static uint32_t segment(const struct flow *f, uint32_t at, uint8_t b[MSS])
{
	uint32_t n = f->total - at < MSS ? f->total - at : MSS;

	for (uint32_t done = 0; done < n;) {
		uint32_t from = (at + done) % f->pay.n;
		uint32_t step = f->pay.n - from < n - done ? f->pay.n - from : n - done;
		memcpy(b + done, f->pay.p + from, step);
		done += step;
	}
	/* Once a flow is enough. */
	for (uint32_t i = 0; distinct && i < MARK; i++)
		if (f->mark_at + i >= at && f->mark_at + i < at + n)
			b[f->mark_at + i - at] = f->mark[i];
	return n;
}

static void send_segment(const struct flow *f, uint32_t at)
{
	uint8_t b[MSS];
	uint32_t n = segment(f, at, b);

	emit(f, false, 6, 0x18, f->seq + 1 + at, f->ack + 1, NULL, 0, b, n);
}

/* step: the next packets of a flow; false when it is over. */
static bool step(struct flow *f)
{
	static const uint8_t linux_opts[20] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 1,
					       2, 3, 0, 0,   0, 0, 1, 3,  3, 7};
	static const uint8_t mss[4] = {2, 4, 5, 180};

	if (f->kind == 3) {
		uint8_t b[MSS];
		emit(f, false, 17, 0, 0, 0, NULL, 0, b, segment(f, 0, b));
		return false;
	}
	switch (f->step++) {
	case 0:
		emit(f, false, 6, 2, f->seq, 0, linux_opts,
		     f->kind == 4   ? 20
		     : f->kind == 2 ? 4
				    : 0,
		     NULL, 0);
		return f->kind != 1;
	case 1:
		emit(f, true, 6, 0x12, f->ack, f->seq + 1, mss, 4, NULL, 0);
		return true;
	case 2:
		emit(f, false, 6, f->kind == 2 ? 4 : 0x10, f->seq + 1,
		     f->kind == 2 ? 0 : f->ack + 1, NULL, 0, NULL, 0);
		return f->kind != 2;
	}
	if (f->sent < f->total) {
		uint32_t n = f->total - f->sent < MSS ? f->total - f->sent : MSS;
		uint32_t dice = rnd() % 100;
		if (dice < 2 && n == MSS && f->total - f->sent > MSS) {
			/* Out of order: the next one first. */
			send_segment(f, f->sent + MSS);
			send_segment(f, f->sent);
			n = f->total - f->sent < 2 * MSS ? f->total - f->sent : 2 * MSS;
		} else {
			send_segment(f, f->sent);
			if (dice < 4)
				send_segment(f, f->sent);
		}
		f->sent += n;
		emit(f, true, 6, 0x10, f->ack + 1, f->seq + 1 + f->sent, NULL, 0, NULL, 0);
		return true;
	}
	emit(f, false, 6, 0x11, f->seq + 1 + f->total, f->ack + 1, NULL, 0, NULL, 0);
	emit(f, true, 6, 0x11, f->ack + 1, f->seq + 2 + f->total, NULL, 0, NULL, 0);
	emit(f, false, 6, 0x10, f->seq + 2 + f->total, f->ack + 2, NULL, 0, NULL, 0);
	return false;
}

static struct payload *read_payloads(const char *path, uint32_t *count)
{
	FILE *in = fopen(path, "rb");
	struct payload *pays = NULL;
	uint32_t n;

	*count = 0;
	while (in && fread(&n, 4, 1, in) == 1 && n && n <= 1u << 20) {
		uint8_t *p = malloc(n);
		if (!p || fread(p, 1, n, in) != n)
			break;
		pays = realloc(pays, (*count + 1) * sizeof *pays);
		pays[(*count)++] = (struct payload){p, n};
	}
	if (in)
		fclose(in);
	return pays;
}

int main(int argc, char **argv)
{
	static struct flow flow[OPEN];
	uint8_t header[PCAP_FILE_HEADER];
	uint32_t npays;

	distinct = argc == 6 && strcmp(argv[5], "distinct") == 0;
	if (argc != 5 && !distinct) {
		fputs("usage: attack_capture OUT FLOWS MEGABYTES PAYLOADS [distinct]\n", stderr);
		return 2;
	}
	uint32_t flows = (uint32_t)strtoul(argv[2], NULL, 10);
	uint64_t bytes = strtoull(argv[3], NULL, 10) * 1000000;
	struct payload *pays = read_payloads(argv[4], &npays);
	out = fopen(argv[1], "wb");
	if (!out || !npays || !flows) {
		perror("attack_capture");
		return 1;
	}
	setvbuf(out, NULL, _IOFBF, 1 << 20);
	pcap_put_header(header, 1, 262144);
	fwrite(header, 1, sizeof header, out);

	for (uint32_t begun = 0, open = 0; begun < flows || open;) {
		struct flow *f = &flow[rnd() % OPEN];
		if (!f->kind) {
			if (begun == flows)
				continue;
			/* What is left of the size, over the uploads still to come (11 flows in
			 * 1,000). The other flows take about 780 bytes each; of an upload an eighth
			 * goes to headers. */
			uint64_t left = bytes > written ? (bytes - written) / (flows - begun) : 0;
			uint64_t each = left > 780 ? (left - 780) * 1000 / 11 * 7 / 8 : 0;
			begin(f, pays, npays, each < 1 << 20 ? (uint32_t)each : 1 << 20, begun);
			begun++;
			open++;
		}
		if (!step(f)) {
			f->kind = 0;
			open--;
		}
	}
	if (fclose(out)) {
		perror("attack_capture");
		return 1;
	}
	printf("%llu %llu\n", (unsigned long long)packets, (unsigned long long)written);
	return 0;
}

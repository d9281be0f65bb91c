/*
 * flood: SYNs that are all distinct, from all over 10.0.0.0/8 to all ports of 203.0.113.0/24.
 *
 *   flood IFACE DST_MAC COUNT RATE [BYTES]
 *
 * Sends COUNT SYNs of 60 bytes of IP (a Linux client's options), RATE a second (0: as fast as it
 * goes), and prints how many seconds that took. The nth SYN's addresses and ports are a permutation
 * of n, so no two have the same. With BYTES (even, up to 1400), every SYN+ACK is acknowledged with
 * so much data, which begins with eight digits of its own, and how many is printed too.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64
#define FRAME 74
#define HEADS 54 /* Ethernet, IPv4 and TCP without options */
#define DATA  1400

/* Ethernet, IPv4 and TCP with what is the same in each; checksums and the rest are filled in. */
static const uint8_t model[FRAME] = {
	0,    0,    0, 0,  0,  0, 2, 0,  0,    0, 0,    1,    8, 0,   0x45, 0, 0, 60, 0,
	0,    0x40, 0, 64, 6,  0, 0, 10, 0,    0, 0,    203,  0, 113, 0,    0, 0, 0,  0,
	0,    0,    0, 0,  0,  0, 0, 0,  0xa0, 2, 0xfa, 0xf0, 0, 0,   0,    0, 2, 4,  5,
	0xb4, 4,    2, 8,  10, 0, 0, 0,  7,    0, 0,    0,    0, 1,   3,    3, 7,
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void checksum(uint8_t *at, uint32_t sum, const uint8_t *p, size_t n)
{
	at[0] = at[1] = 0;
	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	at[0] = (uint8_t)(~sum >> 8);
	at[1] = (uint8_t)~sum;
}

/* A permutation of 48 bits: odd factors and shifted exclusive ors can be undone. */
static uint64_t permute(uint64_t n)
{
	const uint64_t mask = (UINT64_C(1) << 48) - 1;

	n = n * UINT64_C(0x9e3779b97f4b) & mask;
	n ^= n >> 23;
	n = n * UINT64_C(0xbf58476d1ce5) & mask;
	return n ^ n >> 25;
}

/* 24 bits of source address, 8 of destination address, 16 of destination port. */
static void vary(uint8_t *f, uint64_t n)
{
	uint64_t v = permute(n);

	for (int i = 0; i < 3; i++)
		f[27 + i] = (uint8_t)(v >> (40 - 8 * i));
	f[33] = (uint8_t)(v >> 16);
	f[34] = (uint8_t)(0x80 | n); /* the source port and the ISN are as good as any */
	f[35] = (uint8_t)(n >> 8);
	f[36] = (uint8_t)(v >> 8);
	f[37] = (uint8_t)v;
	memcpy(f + 38, &v, 4);
	checksum(f + 24, 0, f + 14, 20);
	checksum(f + 50, 6 + 40, f + 26, 48);
}

/* answer: acknowledges the SYN+ACK in `in` with n bytes of data. False: it is none of an answer to
 * us. */
static int answer(int fd, const uint8_t *in, ssize_t len, size_t n)
{
	static uint8_t f[HEADS + DATA];
	uint32_t ack;

	if (len < HEADS || in[14] != 0x45 || in[23] != 6 || in[30] != 10 || in[47] != 0x12)
		return 0;
	memcpy(f, in + 6, 6);
	memcpy(f + 6, in, 6);
	memcpy(f + 12, model + 12, 24);
	f[16] = (uint8_t)((40 + n) >> 8);
	f[17] = (uint8_t)(40 + n);
	memcpy(f + 26, in + 30, 4);
	memcpy(f + 30, in + 26, 4);
	memcpy(f + 34, in + 36, 2);
	memcpy(f + 36, in + 34, 2);
	memcpy(f + 38, in + 42, 4);
	memcpy(&ack, in + 38, 4);
	ack = htonl(ntohl(ack) + 1);
	memcpy(f + 42, &ack, 4);
	memcpy(f + 46, (const uint8_t[]){0x50, 0x18, 0xfa, 0xf0, 0, 0, 0, 0}, 8);
	memset(f + HEADS, 'x', n);
	for (size_t i = 0; i < 8 && i < n; i++)
		f[HEADS + i] = (uint8_t)("0123456789abcdef"[f[38 + i / 2] >> (i % 2 ? 0 : 4) & 15]);
	checksum(f + 24, 0, f + 14, 20);
	/* The pseudo-header's addresses stand before the segment. */
	checksum(f + 50, (uint32_t)(6 + 20 + n), f + 26, 28 + n);
	return send(fd, f, HEADS + n, 0) > 0;
}

/* answers: to all SYN+ACKs that wait. */
static uint64_t answers(int fd, size_t n)
{
	uint8_t in[2048];
	uint64_t count = 0;
	ssize_t len;

	while ((len = recv(fd, in, sizeof in, MSG_DONTWAIT)) >= 0)
		count += (uint64_t)answer(fd, in, len, n);
	return count;
}

int main(int argc, char **argv)
{
	static uint8_t frames[BATCH][FRAME];
	struct mmsghdr msg[BATCH] = {0};
	struct iovec iov[BATCH];
	struct sockaddr_ll to = {.sll_family = AF_PACKET};
	uint8_t mac[6];

	if (argc < 5 || argc > 6 ||
	    sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != 6)
		return 2;
	uint64_t count = strtoull(argv[3], NULL, 10), sent = 0;
	double rate = atof(argv[4]), begin = seconds();
	size_t bytes = argc > 5 ? strtoul(argv[5], NULL, 10) : 0;
	uint64_t answered = 0;
	if (bytes > DATA || bytes % 2)
		return 2;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	to.sll_protocol = htons(bytes ? ETH_P_IP : 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){16 << 20}, sizeof(int));
	if (fd < 0 || !to.sll_ifindex || bind(fd, (struct sockaddr *)&to, sizeof to) < 0) {
		perror(argv[1]);
		return 1;
	}
	for (int i = 0; i < BATCH; i++) {
		memcpy(frames[i], model, FRAME);
		memcpy(frames[i], mac, 6);
		iov[i] = (struct iovec){frames[i], FRAME};
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	while (sent < count) {
		unsigned n = count - sent < BATCH ? (unsigned)(count - sent) : BATCH;

		if (bytes)
			answered += answers(fd, bytes);
		if (rate > 0 && (double)sent > (seconds() - begin) * rate)
			continue;
		for (unsigned i = 0; i < n; i++)
			vary(frames[i], sent + i);
		int went = sendmmsg(fd, msg, n, 0);
		sent += went > 0 ? (uint64_t)went : 0;
	}
	printf("%.3f", seconds() - begin);
	if (bytes) {
		for (double end = seconds() + 2; seconds() < end;)
			answered += answers(fd, bytes);
		printf(" %llu", (unsigned long long)answered);
	}
	putchar('\n');
	return 0;
}

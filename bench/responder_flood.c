/*
 * responder_flood: a SYN generator for bench/responder.py.
 *
 *   responder_flood IFACE DST_MAC RATE SECONDS [latency | visit]
 *
 * Sends SYNs of 74 bytes (a Linux client's options) from random addresses of 10.0.0.0/8 to random
 * addresses of 203.0.113.0/24 and random ports, RATE a second (0: as fast as it goes), in batches
 * of one sendmmsg. With `latency`, one SYN at a time, and the time from just before the send to the
 * kernel's stamp on the SYN+ACK. With `visit`, RATE visits in all, each from an address of its own:
 * a handshake, 16 bytes, a FIN, as fast as they are answered, for at most SECONDS. Prints one JSON
 * object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH     32
#define FRAME     74
#define LATENCIES 100000

static uint64_t state = 88172645463325252u;
static uint64_t random64(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Sums in the machine's byte order: a checksum does not care (RFC 1071, 2(B)). */
static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint64_t add(uint64_t sum, const uint8_t *p, size_t n)
{
	for (; n >= 4; n -= 4, p += 4) {
		uint32_t w;

		memcpy(&w, p, 4);
		sum += w;
	}
	return sum;
}

static void put_sum(uint8_t *p, uint64_t sum)
{
	uint16_t v = fold(sum);

	memcpy(p, &v, 2);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static const uint8_t options[20] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
				    0, 7, 0, 0,    0, 0, 1, 3,  3, 10};

/* Both checksums; tcp: bytes from the TCP header on, a multiple of 4. */
static void sums(uint8_t *f, size_t tcp)
{
	put16(f + 24, 0);
	put_sum(f + 24, add(0, f + 14, 20));
	put16(f + 50, 0);
	put_sum(f + 50, add(add(htons((uint16_t)(6 + tcp)), f + 26, 8), f + 34, tcp));
}

static void frame_init(uint8_t *f, const uint8_t *src, const uint8_t *dst)
{
	memset(f, 0, FRAME);
	memcpy(f, dst, 6);
	memcpy(f + 6, src, 6);
	put16(f + 12, 0x0800);
	f[14] = 0x45;
	put16(f + 16, 60);
	put16(f + 20, 0x4000);
	f[22] = 64;
	f[23] = 6;
	f[26] = 10;
	f[30] = 203;
	f[32] = 113;
	f[46] = 0xa0;
	f[47] = 2;
	put16(f + 48, 64240);
	memcpy(f + 54, options, sizeof options);
}

static void frame_vary(uint8_t *f)
{
	uint64_t r = random64(), q = random64();

	memcpy(f + 27, &r, 3);
	f[33] = (uint8_t)(r >> 24);
	memcpy(f + 34, (uint8_t *)&r + 4, 4); /* ports */
	memcpy(f + 38, &q, 4);                /* seq */
	sums(f, 40);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* One SYN, then its answer, and so on; an answer that does not come in 100 ms is lost. */
static void latencies(int fd, int rx, uint8_t *f, double rate, double seconds)
{
	static uint64_t took[LATENCIES];
	size_t n = 0, sent = 0;
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);

	while (clock_ns(CLOCK_MONOTONIC) < end && n < LATENCIES) {
		uint8_t in[2048], control[256];
		struct iovec iov = {in, sizeof in};
		struct pollfd p = {rx, POLLIN, 0};
		uint64_t at;

		frame_vary(f);
		at = clock_ns(CLOCK_REALTIME);
		if (send(fd, f, FRAME, 0) != FRAME)
			continue;
		sent++;
		while (poll(&p, 1, 100) == 1) {
			struct msghdr m = {.msg_iov = &iov,
					   .msg_iovlen = 1,
					   .msg_control = control,
					   .msg_controllen = sizeof control};
			ssize_t len = recvmsg(rx, &m, 0);
			struct cmsghdr *c = CMSG_FIRSTHDR(&m);
			struct timespec t;

			if (len < 54 || memcmp(in + 26, f + 30, 4) != 0 ||
			    memcmp(in + 30, f + 26, 4) != 0 || !c)
				continue;
			memcpy(&t, CMSG_DATA(c), sizeof t);
			took[n++] = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec - at;
			break;
		}
		usleep((useconds_t)(1e6 / rate));
	}
	qsort(took, n, sizeof took[0], by_size);
	printf("{\"sent\": %zu, \"answered\": %zu, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", sent, n,
	       n ? (double)took[n / 2] / 1e3 : 0, n ? (double)took[n * 99 / 100] / 1e3 : 0);
}

static void flood(int fd, uint8_t frames[BATCH][FRAME], double rate, double seconds)
{
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	uint64_t start = clock_ns(CLOCK_MONOTONIC), end = start + (uint64_t)(seconds * 1e9),
		 sent = 0, now;

	memset(msg, 0, sizeof msg);
	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){frames[i], FRAME};
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	while ((now = clock_ns(CLOCK_MONOTONIC)) < end) {
		int n;

		if (rate > 0 && (double)sent > (double)(now - start) * rate / 1e9)
			continue;
		for (int i = 0; i < BATCH; i++)
			frame_vary(frames[i]);
		n = sendmmsg(fd, msg, BATCH, 0);
		if (n > 0)
			sent += (uint64_t)n;
	}
	printf("{\"sent\": %llu, \"seconds\": %.3f}\n", (unsigned long long)sent,
	       (double)(now - start) / 1e9);
}

/* Turns a received frame around: the next segment of the same visit, or false when there is
 * none. */
static int visit_next(uint8_t *f, const uint8_t *in, ssize_t len, uint64_t *done)
{
	const uint8_t *t = in + 34;
	size_t data = 0;
	uint32_t seq, ack;
	uint8_t flags;

	if (len < 54 || in[12] != 8 || in[23] != 6 || in[30] != 10)
		return 0;
	memcpy(&seq, t + 4, 4);
	memcpy(&ack, t + 8, 4);
	seq = ntohl(seq);
	if (t[13] == 0x12) {
		flags = 0x19; /* ACK, PSH, FIN */
		data = 16;
		seq++;
	} else if (t[13] & 1) {
		flags = 0x10;
		seq++;
		++*done;
	} else {
		return 0;
	}
	memcpy(f + 26, in + 30, 4);
	memcpy(f + 30, in + 26, 4);
	memcpy(f + 34, t + 2, 2);
	memcpy(f + 36, t, 2);
	memcpy(f + 38, &ack, 4);
	seq = htonl(seq);
	memcpy(f + 42, &seq, 4);
	f[46] = 0x50;
	f[47] = flags;
	put16(f + 16, (uint16_t)(40 + data));
	memset(f + 54, 'v', 16);
	sums(f, 20 + data);
	return (int)(54 + data);
}

static void visits(int fd, int rx, uint8_t frames[BATCH][FRAME], uint8_t *again, uint64_t total,
		   double seconds)
{
	uint64_t sent = 0, done = 0, start = clock_ns(CLOCK_MONOTONIC), quiet = start;

	/* New ones as long as few are under way; ends when all are done, time is up, or nothing
	 * comes any more. */
	while (done < total && clock_ns(CLOCK_MONOTONIC) - quiet < 2000000000u &&
	       (double)(clock_ns(CLOCK_MONOTONIC) - start) < seconds * 1e9) {
		uint8_t in[2048];
		ssize_t len;

		for (int i = 0; i < BATCH && sent < total && sent - done < 2000; i++, sent++) {
			frame_vary(frames[i]);
			if (send(fd, frames[i], FRAME, 0) < 0)
				break;
		}
		while ((len = recv(rx, in, sizeof in, MSG_DONTWAIT)) > 0) {
			int n = visit_next(again, in, len, &done);

			quiet = clock_ns(CLOCK_MONOTONIC);
			if (n && send(fd, again, (size_t)n, 0) < 0)
				break;
		}
		/* What is lost on the way must not hold up the rest. */
		if (sent - done >= 2000 && clock_ns(CLOCK_MONOTONIC) - quiet > 50000000u) {
			total -= sent - done;
			sent = done;
		}
	}
	printf("{\"visits\": %llu, \"seconds\": %.3f}\n", (unsigned long long)done,
	       (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e9);
}

static int socket_on(const char *iface, int protocol, uint8_t mac[6])
{
	struct ifreq ifr = {0};
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons((uint16_t)protocol)};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1;

	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", iface);
	if (fd < 0 || ioctl(fd, SIOCGIFINDEX, &ifr) < 0)
		return -1;
	at.sll_ifindex = ifr.ifr_ifindex;
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		return -1;
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
	return bind(fd, (struct sockaddr *)&at, sizeof at) < 0 ? -1 : fd;
}

int main(int argc, char **argv)
{
	static uint8_t frames[BATCH][FRAME];
	uint8_t dst[6], src[6];
	int fd, rx;

	if (argc < 5 || sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &dst[0], &dst[1], &dst[2],
			       &dst[3], &dst[4], &dst[5]) != 6)
		return 2;
	fd = socket_on(argv[1], 0, src);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	state ^= clock_ns(CLOCK_REALTIME);
	/* Answers go to a station next door: this host's kernel drops them behind its taps and
	 * counters, so that what it would do with them is not counted as the sensor's work. */
	src[5] ^= 1;
	for (int i = 0; i < BATCH; i++)
		frame_init(frames[i], src, dst);
	if (argc > 5 && strcmp(argv[5], "visit") == 0) {
		uint8_t again[FRAME];
		int queue = 64 << 20;

		frame_init(again, src, dst);
		rx = socket_on(argv[1], ETH_P_ALL, src);
		setsockopt(rx, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof queue);
		visits(fd, rx, frames, again, strtoull(argv[3], NULL, 10), atof(argv[4]));
	} else if (argc > 5) {
		rx = socket_on(argv[1], ETH_P_ALL, src);
		latencies(fd, rx, frames[0], atof(argv[3]), atof(argv[4]));
	} else {
		flood(fd, frames, atof(argv[3]), atof(argv[4]));
	}
	return 0;
}

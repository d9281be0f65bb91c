/*
 * world: frames to feed agg with, and what it sealed, kept for looking at.
 */
#ifndef TEST_FLOWAGG_WORLD_H
#define TEST_FLOWAGG_WORLD_H

#include "flowagg/agg.h"
#include "flowagg/checkpoint.h"

#define SECOND UINT64_C(1000000000)
#define T0     (1700000000 * SECOND) /* 2023-11-14 22:13:20 UTC */

struct file {
	uint64_t number;
	char key[OBJECT_KEY_MAX];
	char id[16];
	enum agg_reason reason;
	uint64_t flows, packets, file_bytes, init_ns, last_ns, first, payload_bytes;
	bool bundle;
	uint8_t *p;
	size_t n;
};

struct world {
	struct agg agg;
	struct agg_limits limits;
	uint64_t next;   /* packet number */
	unsigned refuse; /* files to turn away, each for now, before the next is taken */
	struct file *files;
	size_t n, cap;
};

extern const struct agg_limits world_limits; /* sensible defaults, small */

void world_init(struct world *w, const struct agg_limits *limits);
void world_fini(struct world *w);
/* world_packet: feeds a frame (Ethernet) at T0 + at_ns. */
void world_packet(struct world *w, uint64_t at_ns, const uint8_t *frame, size_t n);
void world_tick(struct world *w, uint64_t at_ns);
/* world_reload: checkpoint, forget, load. */
void world_reload(struct world *w);
/* world_balance: whether captured = stored + counted drops holds. */
bool world_balance(const struct world *w);
/* world_file: the sealed file whose key ends so, or NULL. */
struct file *world_file(struct world *w, const char *ending);
/* An agg_put_fn into a growing buffer. */
struct sink {
	uint8_t *p;
	size_t n, cap;
	size_t fail_after; /* bytes; 0: never */
};
int sink_put(void *arg, const void *p, size_t n);

/* Frames. Hosts are 10.0.0.<n>, in IPv6 2001:db8::<n>. */
struct frame {
	uint8_t b[2048];
	size_t n;
};
enum { A = 1, B = 2, C = 3 };
struct frame frame_tcp(int src, int sport, int dst, int dport, int flags, uint32_t seq,
		       size_t payload);
struct frame frame_tcp6(int src, int sport, int dst, int dport, int flags, uint32_t seq,
			size_t payload);
struct frame frame_udp(int src, int sport, int dst, int dport, size_t payload);
struct frame frame_icmp(int src, int dst, int type, int code, size_t payload);
struct frame frame_proto(int src, int dst, int proto, size_t payload);
struct frame frame_arp(void);
/* frame_fragment: part of a UDP datagram of 24 bytes payload; off in bytes, a multiple of 8. */
struct frame frame_fragment(int src, int sport, int dst, int dport, int id, int off, int len,
			    bool more);

#define TCP_SYNACK (TCP_SYN | TCP_ACK)

/* A frame sent at once. */
#define SEND(w, at, frame_expr)                              \
	do {                                                 \
		struct frame f_ = (frame_expr);              \
		world_packet(w, (uint64_t)(at), f_.b, f_.n); \
	} while (0)

#endif

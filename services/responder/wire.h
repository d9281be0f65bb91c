/*
 * wire: the interface: a receive ring (TPACKET_V2) and a send socket.
 *
 * TPACKET_V2 hands over each frame as it comes, which is what an answer's latency needs (V3 waits
 * for a block), and costs no system call a frame under load. A frame larger than a slot (an
 * offload's 64 KiB) is kept whole on the socket's queue as well and read from there, so that its
 * checksum can be judged. Replies leave through a second socket with protocol 0, which receives
 * nothing; it does not bypass the queueing discipline, so that captures see them.
 */
#ifndef RESPONDER_WIRE_H
#define RESPONDER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "responder/batch.h"

struct sock_fprog;

struct wire_link {
	int index;
	uint16_t mtu;
	uint8_t mac[6];
};

/* wire_find: 0, -ENODEV (no such interface), -EAFNOSUPPORT (not Ethernet-like). Needs no privilege.
 */
int wire_find(const char *iface, struct wire_link *out);

struct wire {
	int rx, tx;
	uint8_t *ring;
	size_t ring_bytes;
	uint32_t slots, next, taken; /* `taken` slots before `next` are not given back yet */
	uint8_t *whole;              /* for the frame that did not fit its slot */
	struct mmsghdr msg[BATCH_FRAMES];
	struct iovec iov[BATCH_FRAMES];
};

struct wire_frame {
	const uint8_t *data;
	uint32_t caplen, len;
	bool summed; /* it came over a wire, so its checksum is there, or wrong; not from a local kernel's offload */
};

/* wire_open: privileged (CAP_NET_RAW). multicast: also take frames to any multicast address
 * (neighbour solicitations for addresses that are not the host's). 0 or -errno, with what failed in
 * err. */
int wire_open(struct wire *w, const struct wire_link *link, size_t ring_bytes,
	      const struct sock_fprog *filter, bool multicast, char *err, size_t errlen);
void wire_close(struct wire *w);

/* Frames that are looked at together: while one is handled, the memory of the others is fetched. */
#define WIRE_GROUP 16

/* wire_take: the next frames of the ring, tags put back; false when it is empty. *n may be 0:
 * frames for other hosts are passed over. They are valid until wire_give(), which is called before
 * the next wire_take(). */
bool wire_take(struct wire *w, struct wire_frame out[WIRE_GROUP], uint32_t *n);
/* wire_give: the frames taken go back to the kernel. */
void wire_give(struct wire *w);

struct wire_sent {
	uint32_t calls, frames, dropped;
	uint64_t bytes;
};
/* wire_send: sends the batch and empties it; adds to *sent. What the interface does not take is
 * dropped. */
void wire_send(struct wire *w, struct batch *b, struct wire_sent *sent);

/* wire_drops: frames dropped because the ring was full, since the last call. */
uint64_t wire_drops(struct wire *w);
/* wire_error: what the sockets have to report, such as -ENETDOWN, which is taken from them: until
 * then they are always ready to be read. 0: nothing. */
int wire_error(struct wire *w);
/* wire_filter: replaces the socket's filter. 0 or -errno. */
int wire_filter(struct wire *w, const struct sock_fprog *filter);

#endif

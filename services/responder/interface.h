/*
 * interface: the interface: a receive ring (TPACKET_V2) and a send socket.
 *
 * TPACKET_V2 hands over each frame as it comes, which is what an answer's latency needs (V3 waits
 * for a block), and costs no system call a frame under load. A frame larger than a slot (an
 * offload's 64 KiB) is kept whole on the socket's queue as well and read from there, so that its
 * checksum can be judged. Replies leave through a second socket with protocol 0, which receives
 * nothing; it does not bypass the queueing discipline, so that captures see them.
 */
#ifndef RESPONDER_INTERFACE_H
#define RESPONDER_INTERFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "responder/send_batch.h"

struct sock_fprog;

struct interface_link {
	int index;
	uint16_t mtu;
	uint8_t mac[6];
};

/* interface_find: 0, -ENODEV (no such interface), -EAFNOSUPPORT (not Ethernet-like). Needs no
 * privilege.
 */
int interface_find(const char *iface, struct interface_link *out);

struct interface {
	int rx, tx;
	uint8_t *ring;
	size_t ring_bytes;
	uint32_t slots, next, taken; /* `taken` slots before `next` are not given back yet */
	uint8_t *whole;              /* for the frame that did not fit its slot */
	struct mmsghdr msg[SEND_BATCH_FRAMES];
	struct iovec iov[SEND_BATCH_FRAMES];
};

struct interface_frame {
	const uint8_t *data;
	uint32_t caplen, len;
	/* it came over a wire, so its checksum is there, or wrong; not from a local kernel's
	 * offload */
	bool summed;
};

/* interface_open: privileged (CAP_NET_RAW). multicast: also take frames to any multicast address
 * (neighbour solicitations for addresses that are not the host's). 0 or -errno, with what failed in
 * err. */
int interface_open(struct interface *w, const struct interface_link *link, size_t ring_bytes,
		   const struct sock_fprog *filter, bool multicast, char *err, size_t errlen);
void interface_close(struct interface *w);

/* Frames that are looked at together: while one is handled, the memory of the others is fetched. */
#define INTERFACE_GROUP 16

/* interface_take: the next frames of the ring, tags put back; false when it is empty. *n may be 0:
 * frames for other hosts are passed over. They are valid until interface_give(), which is called
 * before the next interface_take(). */
bool interface_take(struct interface *w, struct interface_frame out[INTERFACE_GROUP], uint32_t *n);
/* interface_give: returns the taken frames to the kernel. */
void interface_give(struct interface *w);

struct interface_sent {
	uint32_t calls, frames, dropped;
	uint64_t bytes;
};
/* interface_send: sends the batch and empties it; adds to *sent. What the interface does not take
 * is dropped. */
void interface_send(struct interface *w, struct send_batch *b, struct interface_sent *sent);

/* interface_drops: frames dropped because the ring was full, since the last call. */
uint64_t interface_drops(struct interface *w);
/* interface_error: returns and clears the pending error of the sockets, such as -ENETDOWN. Until it
 * is cleared, they always poll as readable. 0: none. */
int interface_error(struct interface *w);
/* interface_filter: replaces the socket's filter. 0 or -errno. */
int interface_filter(struct interface *w, const struct sock_fprog *filter);

#endif

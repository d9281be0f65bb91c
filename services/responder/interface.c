#include "responder/interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* A slot holds a frame of an MTU of 1500 with tags; blocks are what the kernel allocates at once.
 */
#define SLOT_BYTES  2048u
#define BLOCK_BYTES (128u << 10)
#define WHOLE_BYTES (72u << 10)
#define WHOLE_QUEUE (4 << 20)
#define SEND_QUEUE  (4 << 20)
#define TAG_BYTES   4u
/* A slot's header and the front of its frame, to the end of a SYN's options. */
#define FRONT_BYTES 192u

int interface_find(const char *iface, struct interface_link *out)
{
	struct ifreq ifr = {0};
	int fd, rc = 0;

	if (!*iface || strlen(iface) >= IFNAMSIZ)
		return -ENODEV;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	strcpy(ifr.ifr_name, iface);
	if (ioctl(fd, SIOCGIFINDEX, &ifr) < 0) {
		rc = -ENODEV;
		goto out;
	}
	out->index = ifr.ifr_ifindex;
	if (ioctl(fd, SIOCGIFMTU, &ifr) < 0) {
		rc = -errno;
		goto out;
	}
	out->mtu = (uint16_t)(ifr.ifr_mtu > 65535 ? 65535 : ifr.ifr_mtu);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0) {
		rc = -errno;
		goto out;
	}
	if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER && ifr.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK)
		rc = -EAFNOSUPPORT;
	memcpy(out->mac, ifr.ifr_hwaddr.sa_data, 6);
out:
	close(fd);
	return rc;
}

static int interface_fail(char *err, size_t errlen, const char *what)
{
	int rc = -errno;

	snprintf(err, errlen, "%s: %s", what, strerror(-rc));
	return rc;
}

static int interface_option(int fd, int name, int value)
{
	return setsockopt(fd, SOL_PACKET, name, &value, sizeof value);
}

int interface_filter(struct interface *w, const struct sock_fprog *filter)
{
	return setsockopt(w->rx, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof *filter) < 0 ? -errno
											   : 0;
}

static int interface_ring_open(struct interface *w, size_t ring_bytes, char *err, size_t errlen)
{
	struct tpacket_req req = {
		.tp_block_size = BLOCK_BYTES,
		.tp_frame_size = SLOT_BYTES,
	};

	req.tp_block_nr = (unsigned)(ring_bytes / BLOCK_BYTES);
	if (!req.tp_block_nr)
		req.tp_block_nr = 1;
	req.tp_frame_nr = req.tp_block_nr * (BLOCK_BYTES / SLOT_BYTES);
	/* Room before each frame for the tag that the kernel took off; whole copies of what exceeds
	 * a slot. */
	if (interface_option(w->rx, PACKET_VERSION, TPACKET_V2) < 0 ||
	    interface_option(w->rx, PACKET_RESERVE, TAG_BYTES) < 0 ||
	    interface_option(w->rx, PACKET_COPY_THRESH, 1) < 0)
		return interface_fail(err, errlen, "packet socket options");
	if (setsockopt(w->rx, SOL_PACKET, PACKET_RX_RING, &req, sizeof req) < 0)
		return interface_fail(err, errlen, "packet ring");
	w->ring_bytes = (size_t)req.tp_block_nr * BLOCK_BYTES;
	w->ring = mmap(NULL, w->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, w->rx, 0);
	if (w->ring == MAP_FAILED) {
		w->ring = NULL;
		return interface_fail(err, errlen, "mapping the packet ring");
	}
	w->slots = req.tp_frame_nr;
	w->whole = malloc(WHOLE_BYTES);
	return w->whole ? 0 : -ENOMEM;
}

static int interface_rx_open(struct interface *w, const struct interface_link *link,
			     size_t ring_bytes, const struct sock_fprog *filter, bool multicast,
			     char *err, size_t errlen)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = link->index};
	struct packet_mreq all = {.mr_ifindex = link->index, .mr_type = PACKET_MR_ALLMULTI};
	int queue = WHOLE_QUEUE, rc;

	/* Protocol 0 receives nothing until bind: no frame slips in ahead of the filter. */
	w->rx = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->rx < 0)
		return interface_fail(err, errlen, "packet socket");
	rc = interface_filter(w, filter);
	if (rc) {
		errno = -rc;
		return interface_fail(err, errlen, "kernel filter");
	}
	if (interface_option(w->rx, PACKET_IGNORE_OUTGOING, 1) < 0)
		return interface_fail(err, errlen, "packet socket options");
	/* Needs CAP_NET_ADMIN to exceed the system's limit; without it, what the system allows. */
	if (setsockopt(w->rx, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof queue) < 0)
		setsockopt(w->rx, SOL_SOCKET, SO_RCVBUF, &queue, sizeof queue);
	rc = interface_ring_open(w, ring_bytes, err, errlen);
	if (rc)
		return rc;
	if (multicast && setsockopt(w->rx, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) < 0)
		return interface_fail(err, errlen, "multicast");
	if (bind(w->rx, (struct sockaddr *)&at, sizeof at) < 0)
		return interface_fail(err, errlen, "binding to the interface");
	return 0;
}

static int interface_tx_open(struct interface *w, const struct interface_link *link, char *err,
			     size_t errlen)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = link->index};
	int queue = SEND_QUEUE;

	w->tx = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (w->tx < 0)
		return interface_fail(err, errlen, "packet socket");
	if (setsockopt(w->tx, SOL_SOCKET, SO_SNDBUFFORCE, &queue, sizeof queue) < 0)
		setsockopt(w->tx, SOL_SOCKET, SO_SNDBUF, &queue, sizeof queue);
	if (bind(w->tx, (struct sockaddr *)&at, sizeof at) < 0)
		return interface_fail(err, errlen, "binding to the interface");
	for (uint32_t i = 0; i < SEND_BATCH_FRAMES; i++) {
		w->msg[i].msg_hdr.msg_iov = &w->iov[i];
		w->msg[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

int interface_open(struct interface *w, const struct interface_link *link, size_t ring_bytes,
		   const struct sock_fprog *filter, bool multicast, char *err, size_t errlen)
{
	int rc;

	memset(w, 0, sizeof *w);
	w->rx = w->tx = -1;
	rc = interface_rx_open(w, link, ring_bytes, filter, multicast, err, errlen);
	if (!rc)
		rc = interface_tx_open(w, link, err, errlen);
	if (rc)
		interface_close(w);
	return rc;
}

void interface_close(struct interface *w)
{
	if (w->ring)
		munmap(w->ring, w->ring_bytes);
	if (w->rx >= 0)
		close(w->rx);
	if (w->tx >= 0)
		close(w->tx);
	free(w->whole);
	memset(w, 0, sizeof *w);
	w->rx = w->tx = -1;
}

static struct tpacket2_hdr *interface_slot(const struct interface *w, uint32_t i)
{
	/* A block is a whole number of slots, so the ring is one array. */
	return (struct tpacket2_hdr *)(void *)(w->ring + (size_t)i * SLOT_BYTES);
}

static uint32_t interface_slot_after(const struct interface *w, uint32_t i, uint32_t n)
{
	return i + n < w->slots ? i + n : i + n - w->slots;
}

static void interface_prefetch(const struct interface *w, uint32_t i)
{
	for (uint32_t at = 0; at < FRONT_BYTES; at += 64)
		__builtin_prefetch((const uint8_t *)interface_slot(w, i) + at);
}

/* Puts the outermost tag back where it was on the wire; there is room for it before the frame. */
static void interface_tag_restore(const struct tpacket2_hdr *h, struct interface_frame *f,
				  uint8_t *data)
{
	uint16_t tag[2] = {htons(ETH_P_8021Q), htons(h->tp_vlan_tci)};

	if (!(h->tp_status & TP_STATUS_VLAN_VALID) || f->caplen < 12)
		return;
	if (h->tp_status & TP_STATUS_VLAN_TPID_VALID)
		tag[0] = htons(h->tp_vlan_tpid);
	memmove(data - TAG_BYTES, data, 12);
	memcpy(data - TAG_BYTES + 12, tag, TAG_BYTES);
	f->data = data - TAG_BYTES;
	f->caplen += TAG_BYTES;
	f->len += TAG_BYTES;
}

/* Fills *out from a slot; false for a frame that is not for us. */
static bool interface_slot_frame(struct interface *w, struct tpacket2_hdr *h, uint32_t status,
				 struct interface_frame *out)
{
	const struct sockaddr_ll *from =
		(const struct sockaddr_ll *)(const void *)((const uint8_t *)h +
							   TPACKET_ALIGN((int)sizeof *h));
	uint8_t *data = (uint8_t *)h + h->tp_mac;

	*out = (struct interface_frame){
		data, h->tp_snaplen, h->tp_len,
		!(status & (TP_STATUS_CSUMNOTREADY | TP_STATUS_CSUM_VALID))};
	if (status & TP_STATUS_COPY) {
		ssize_t n =
			recv(w->rx, w->whole + TAG_BYTES, WHOLE_BYTES - TAG_BYTES, MSG_DONTWAIT);

		data = w->whole + TAG_BYTES;
		if (n > 0)
			*out = (struct interface_frame){data, (uint32_t)n, h->tp_len, out->summed};
	}
	/* In promiscuous mode (a capture next door) frames for other hosts come by. */
	if (from->sll_pkttype == PACKET_OTHERHOST || from->sll_pkttype == PACKET_OUTGOING)
		return false;
	interface_tag_restore(h, out, data);
	return true;
}

bool interface_take(struct interface *w, struct interface_frame out[INTERFACE_GROUP], uint32_t *n)
{
	*n = 0;
	while (w->taken < INTERFACE_GROUP) {
		struct tpacket2_hdr *h = interface_slot(w, w->next);
		uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);

		if (!(status & TP_STATUS_USER))
			break;
		interface_prefetch(w, interface_slot_after(w, w->next, INTERFACE_GROUP / 2));
		w->next = interface_slot_after(w, w->next, 1);
		w->taken++;
		*n += interface_slot_frame(w, h, status, &out[*n]);
		/* There is room for one such frame. */
		if (status & TP_STATUS_COPY)
			break;
	}
	return w->taken;
}

void interface_give(struct interface *w)
{
	for (; w->taken; w->taken--)
		__atomic_store_n(
			&interface_slot(w, interface_slot_after(w, w->next, w->slots - w->taken))
				 ->tp_status,
			TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

void interface_send(struct interface *w, struct send_batch *b, struct interface_sent *sent)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < b->n; i++)
		w->iov[i] = (struct iovec){b->mem + b->off[i], b->len[i]};
	while (at < b->n) {
		int n = sendmmsg(w->tx, w->msg + at, b->n - at, MSG_DONTWAIT);

		sent->calls++;
		if (n > 0) {
			for (uint32_t i = at; i < at + (uint32_t)n; i++)
				sent->bytes += b->len[i];
			sent->frames += (uint32_t)n;
			at += (uint32_t)n;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else {
			/* The queue is full or the link is down: later is too late for an answer.
			 */
			sent->dropped++;
			at++;
		}
	}
	send_batch_reset(b);
}

uint64_t interface_drops(struct interface *w)
{
	struct tpacket_stats s = {0};
	socklen_t n = sizeof s;

	if (getsockopt(w->rx, SOL_PACKET, PACKET_STATISTICS, &s, &n) < 0)
		return 0;
	return s.tp_drops;
}

int interface_error(struct interface *w)
{
	int rx = 0, tx = 0;
	socklen_t n = sizeof rx;

	if (getsockopt(w->rx, SOL_SOCKET, SO_ERROR, &rx, &n) < 0)
		return -errno;
	if (getsockopt(w->tx, SOL_SOCKET, SO_ERROR, &tx, &n) < 0)
		return -errno;
	return rx ? -rx : -tx;
}

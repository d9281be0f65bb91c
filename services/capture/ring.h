/*
 * ring: live capture from an interface through libpcap's memory-mapped ring (TPACKET_V3).
 */
#ifndef CAPTURE_RING_H
#define CAPTURE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

struct ring_options {
	const char *interface;
	const char *filter; /* pcap-filter(7), compiled into the kernel; NULL: everything */
	int snaplen;
	int timeout_ms; /* a block that is not full is delivered after this time */
	int ring_bytes;
	bool promiscuous;
};

typedef void (*ring_fn)(void *arg, int linktype, uint64_t ts_ns, uint32_t caplen, uint32_t len,
			const uint8_t *data);

/* ring_check_filter: only compiles the filter, for Ethernet. 0, or -EINVAL with the reason in
 * err. */
int ring_check_filter(const char *filter, int snaplen, char *err, size_t errlen);

/* ring_open: needs CAP_NET_RAW; no later call does. 0; -EPERM; -ENODEV; -ENETDOWN; -EINVAL
 * (filter); -EIO; err says why. */
int ring_open(const struct ring_options *o, struct ring **out, char *err, size_t errlen);
void ring_close(struct ring **r);
int ring_fd(const struct ring *r);
/* ring_index: the interface's number. */
int ring_index(const struct ring *r);

/* ring_read: passes the packets that wait to fn, about max of them at most. Returns their number,
 * or -ENETDOWN when the interface is down or gone. */
int ring_read(struct ring *r, int max, ring_fn fn, void *arg);

/* ring_resume: resumes capture once the interface is up again, also under a new index; needs no
 * privilege. 0, or -ENETDOWN while it is not up. */
int ring_resume(struct ring *r);

struct ring_counts {
	uint64_t packets;    /* that passed the filter, dropped ones included */
	uint64_t dropped;    /* packets dropped because the ring was full */
	uint64_t if_dropped; /* packets dropped by the interface */
};
struct ring_counts ring_counts(struct ring *r);

#endif

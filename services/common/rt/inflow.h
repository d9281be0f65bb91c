/*
 * inflow: what a subscription's TCP connection brought that is in no message yet.
 *
 * libzmq hands over whole messages only, keeps every part of an unfinished one, and limits the size
 * of a part (ZMQ_MAXMSGSIZE) but not their number. So a publisher whose message never ends, though
 * it holds a trusted key, would grow this process until it dies. What came (tcp_info(7)) is
 * compared with what was handed over; whoever is too far ahead is to be disconnected, which frees
 * the parts.
 */
#ifndef RT_INFLOW_H
#define RT_INFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Four of the largest frames. A subscriber that is so far behind an honest publisher loses what
 * waits, and counts it. */
#define INFLOW_MAX (UINT64_C(128) << 20)

struct inflow {
	int fd;           /* our own descriptor of the connection; -1: none */
	uint64_t settled; /* of the bytes that came: those that are accounted for */
};

/* inflow_init: no connection yet. */
void inflow_init(struct inflow *f);
/* inflow_open: the connection is this one now, a descriptor of libzmq's. Of one that is no TCP
 * connection nothing is ever too much. */
void inflow_open(struct inflow *f, int fd);
void inflow_close(struct inflow *f);
/* inflow_took: a message of so many bytes was handed over. */
void inflow_took(struct inflow *f, size_t bytes);
/* inflow_none_waits: no whole message is left. */
void inflow_none_waits(struct inflow *f);
/* inflow_too_much: whether the connection is too far ahead. */
bool inflow_too_much(const struct inflow *f);

#endif

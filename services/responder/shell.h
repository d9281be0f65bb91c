/*
 * shell: the service around the core (respond.h): interface, kernel rules, clock and bus, in one
 * struct that every callback gets.
 */
#ifndef RESPONDER_SHELL_H
#define RESPONDER_SHELL_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "pkt/pkt.h"
#include "responder/conf.h"
#include "responder/host.h"
#include "responder/interface.h"
#include "responder/respond.h"
#include "responder/send_batch.h"
#include "responder/watch.h"

struct nft_ctx;
struct svc;

struct shell {
	struct conf conf;
	struct svc *svc;
	struct responder core;
	struct send_batch batch;
	struct interface interface;
	struct interface_link link;
	struct watch watch;
	struct nft_ctx *table;
	struct sock_fprog filter; /* what the socket needs; shedding goes in front of it */
	uint64_t offset_ns;       /* from the core's clock to time since the epoch */
	uint64_t budget;          /* reply messages that may still go out this second */
	enum host_state host;     /* as host_look said last */
	bool forwards;            /* kernel_forwards() at the start */
	struct pkt decoded[INTERFACE_GROUP]; /* the group of frames in progress */
};

/* shell_check: finds the interface and compiles what is to be watched, without side effects on the
 * system. 0, or -errno after logging why. */
int shell_check(struct shell *sh);
/* shell_open: what needs privilege: sockets, kernel rules; and the core's tables. 0, or -errno
 * after logging why. */
int shell_open(struct shell *sh);
/* shell_close: removes the kernel rules and closes the interface. */
void shell_close(struct shell *sh);
/* shell_free: the rest; after shell_close. */
void shell_free(struct shell *sh);
/* shell_shed: rebuilds the socket's filter with the prefixes that are shed now. */
void shell_shed(struct shell *sh);

/* answer_start: registers with the loop. 0 or -errno. */
int answer_start(struct shell *sh);
/* answer_end: ends every connection and publishes what is left to publish. */
void answer_end(struct shell *sh);

#endif

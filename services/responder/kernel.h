/*
 * kernel: the owned nft table that keeps the host's own TCP silent.
 *
 * The table belongs to the netlink socket inside the context: another process cannot flush it, and
 * the kernel removes it when the socket closes, however the process ends (Linux 5.12 and later).
 */
#ifndef RESPONDER_KERNEL_H
#define RESPONDER_KERNEL_H

#include <stddef.h>

#include "responder/watch.h"

struct nft_ctx;

/* kernel_forwards: whether this host is a router, as one with containers is. */
bool kernel_forwards(void);
/* kernel_install: 0, or -errno with nft's words in err: -EPERM without CAP_NET_ADMIN, -EBUSY when
 * another responder holds the table in this network namespace, -EOPNOTSUPP for anything else the
 * kernel refuses. */
int kernel_install(const struct watch *w, const char *iface, bool forwards, struct nft_ctx **out,
		   char *err, size_t errlen);
void kernel_remove(struct nft_ctx **ctx);

#endif

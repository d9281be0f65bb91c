/*
 * zap: lets in the clients whose public key is allowed (ZeroMQ RFC 27, ZAP 1.0), on the loop's own
 * thread.
 *
 * libzmq's I/O thread asks at each CURVE handshake over inproc and waits for the answer without
 * blocking others.
 */
#ifndef RT_ZAP_H
#define RT_ZAP_H

#include <stddef.h>

struct zap;
struct loop;

/* The domain that sockets set (ZMQ_ZAP_DOMAIN) to be answered here. */
#define ZAP_DOMAIN "lurker"

/* zap_open: answers in this ZeroMQ context; clients_dir is borrowed. Before the sockets that need
 * it are bound. */
int zap_open(void *ctx, struct loop *l, const char *clients_dir, struct zap **out);
void zap_close(struct zap **z);

#endif

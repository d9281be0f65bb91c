/*
 * packet_filter: a filter in libpcap's syntax (pcap-filter(7)), for files of every link type.
 */
#ifndef ANALYZER_PACKET_FILTER_H
#define ANALYZER_PACKET_FILTER_H

#include <stddef.h>

#include "pkt/capfile.h"

struct packet_filter;

/* packet_filter_new: compiles an expression. 0, -EINVAL with libpcap's message in err if it is not
 * valid, or -ENOMEM. */
int packet_filter_new(const char *expression, struct packet_filter **out, char *err, size_t errlen);
void packet_filter_free(struct packet_filter **f);
/* packet_filter_match: 1, 0, or -EINVAL if the expression has no meaning for the packet's link type
 * (such as `ether host` on raw IP); *why is then libpcap's message, until the next call. */
int packet_filter_match(struct packet_filter *f, const struct capfile_packet *k, const char **why);

#endif

/*
 * decode: the steps of pkt_decode, one file each. Private to lurker_pkt.
 *
 * Each step takes the offset where its header begins; p->frame, p->caplen and p->len are set.
 */
#ifndef PKT_DECODE_H
#define PKT_DECODE_H

#include "pkt/pkt.h"

/* link: the link header, then decode_ether_type. */
void decode_link(int linktype, struct pkt *p);
/* decode_ethertype: what an EtherType announces, tags included. */
void decode_ethertype(struct pkt *p, uint32_t off, uint16_t type);
/* ip: either version, told by its first four bits. */
void decode_ip(struct pkt *p, uint32_t off);
/* l4: the transport header at p->l4_off; p->l4_len and p->proto are set. */
void decode_l4(struct pkt *p);

#endif

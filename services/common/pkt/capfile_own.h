/*
 * capfile_own: what the reader (capfile.c) shares with its two formats, pcap (capfile_pcap.c) and
 * pcapng (capfile_ng.c).
 */
#ifndef PKT_CAPFILE_OWN_H
#define PKT_CAPFILE_OWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "pkt/capfile.h"
#include "pkt/capsource.h"

struct capfile_interface {
	int linktype;
	uint32_t snaplen;
	uint64_t units_per_s; /* of timestamps; 0: 2^64 or more, not usable */
	int64_t offset_s;
};

struct capfile {
	struct capsource src;
	bool swapped, is_ng;
	int ended; /* 0 reading, 1 at the end, or the -errno it ended with */
	char error[128];

	/* pcap */
	int linktype;
	bool nano, lengths_swapped, lengths_maybe_swapped;
	uint32_t record_extra; /* bytes between the usual record header and the packet */

	/* pcapng: of the current section */
	struct capfile_interface *ifs;
	size_t nifs, ifs_cap;
	uint32_t skip; /* rest of the block whose packet was handed out */
	uint64_t strays;
};

/* The integers of a file, in the byte order of its section. */
static inline uint16_t capfile_get16(const struct capfile *c, const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return c->swapped ? __builtin_bswap16(v) : v;
}

static inline uint32_t capfile_get32(const struct capfile *c, const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return c->swapped ? __builtin_bswap32(v) : v;
}

/* capfile_end_with: remembers that reading ends here and why: what, at the current offset; or what
 * the source failed with. Returns the -errno that capfile_next returns from now on. */
int capfile_end_with(struct capfile *c, const char *what);
/* capfile_end_of_file: reading ends between two packets. 0, or -errno if the source failed. */
int capfile_end_of_file(struct capfile *c);

/* For each format: begin reads the file's header (0 or -errno); next is capfile_next, at_hand is
 * capfile_at_hand, both for a file that has not ended. */
int capfile_pcap_begin(struct capfile *c);
int capfile_pcap_next(struct capfile *c, struct capfile_packet *out);
bool capfile_pcap_at_hand(const struct capfile *c);

/* The block type that a pcapng file begins with. */
#define NG_SHB 0x0a0d0d0au
int capfile_ng_begin(struct capfile *c);
int capfile_ng_next(struct capfile *c, struct capfile_packet *out);
bool capfile_ng_at_hand(const struct capfile *c);

#endif

/*
 * capfile: reading and writing capture files.
 *
 * The reader takes pcap (both byte orders, micro- and nanoseconds, the modified formats) and pcapng
 * (both byte orders, several sections and interfaces, any if_tsresol, simple and obsolete packet
 * blocks), also gzip-compressed, from a file, a pipe or memory. Every length in the file is checked
 * against a limit before anything is allocated. The writer makes nanosecond pcap.
 */
#ifndef PKT_CAPFILE_H
#define PKT_CAPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The largest packet that the reader accepts; a longer one is reported as broken. */
#define CAPFILE_MAX_PACKET (1u << 20)

struct capfile_packet {
	uint64_t ts_ns;    /* modulo 2^64, which is the year 2554 */
	uint32_t ts_wraps; /* multiples of 2^64: pcapng files with broken clocks have such times */
	uint32_t caplen, len;
	int linktype; /* LINKTYPE_ number */
	const uint8_t *
		data; /* valid until the next capfile_next (see capfile_at_hand) or capfile_close */
	uint64_t place; /* for capfile_again; CAPFILE_NOWHERE */
};
#define CAPFILE_NOWHERE UINT64_MAX

struct capfile;

/* capfile_open: path "-" is standard input. 0 or -errno (-EBADMSG: not a capture file; errbuf says
 * more, with the offset). */
int capfile_open(const char *path, struct capfile **out, char *errbuf, size_t errlen);
/* capfile_open_fd: takes ownership of the descriptor, also on failure. */
int capfile_open_fd(int fd, struct capfile **out, char *errbuf, size_t errlen);
/* capfile_open_memory: borrows data until capfile_close. */
int capfile_open_memory(const void *data, size_t n, struct capfile **out, char *errbuf,
			size_t errlen);
/* capfile_next: 1 with a packet, 0 at the end, -EBADMSG where the file is damaged
 * (capfile_error says how; earlier packets are good), or another -errno. */
int capfile_next(struct capfile *c, struct capfile_packet *out);
/* capfile_again: reads a packet of capfile_next once more, by its place; data is valid until
 * capfile_close. False: it cannot be read any more. Packets of pcap files have a place if the file
 * is uncompressed and large, or in memory. */
bool capfile_again(struct capfile *c, uint64_t place, struct capfile_packet *out);
/* capfile_ahead: prefetches what capfile_again will read. It has no other effect. */
void capfile_ahead(const struct capfile *c, uint64_t place);
/* capfile_done: no packet before this place will be read again. */
void capfile_done(struct capfile *c, uint64_t place);
/* capfile_at_hand: whether the next capfile_next returns a packet and keeps the data of earlier
 * packets valid. */
bool capfile_at_hand(const struct capfile *c);
/* capfile_offset: bytes (uncompressed) consumed so far: where the last packet ended. */
uint64_t capfile_offset(const struct capfile *c);
const char *capfile_error(const struct capfile *c);
/* capfile_unreadable: reading failed because of the disk; another attempt may succeed. */
bool capfile_unreadable(const struct capfile *c);
/* capfile_strays: number of packets that capfile_next skipped because their pcapng interface was
 * not described before them, so that their link type is unknown. */
uint64_t capfile_strays(const struct capfile *c);
void capfile_close(struct capfile **c);
/* capfile_count: adds the number of packets that can be read from fd to *packets; takes ownership
 * of fd. 0 or -errno, as capfile_next. */
int capfile_count(int fd, uint64_t *packets);

/* Sizes of the pcap format that lurker writes (draft-ietf-opsawg-pcap). */
#define PCAP_FILE_HEADER   24
#define PCAP_RECORD_HEADER 16

/* pcap_put_header/pcap_put_record: the bytes of a nanosecond pcap in host byte order. */
void pcap_put_header(uint8_t out[PCAP_FILE_HEADER], int linktype, uint32_t snaplen);
void pcap_put_record(uint8_t out[PCAP_RECORD_HEADER], uint64_t ts_ns, uint32_t caplen,
		     uint32_t len);

#endif

/*
 * segment: names and contents of the journal's files, for its writer and its reader.
 */
#ifndef STORAGE_JOURNAL_SEGMENT_H
#define STORAGE_JOURNAL_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "00000000000000000001.pcap" and NUL. */
#define SEGMENT_NAME 26

void segment_name(uint64_t first, char out[SEGMENT_NAME]);
/* segment_number: the number in a name, or 0 for a name that is none of ours. */
uint64_t segment_number(const char *name);

/* segment_list: the numbers of all segments in the folder, ascending, in *v (the caller frees). At
 * most SEGMENT_MAX are listed. 0 or -errno. */
#define SEGMENT_MAX 65536
int segment_list(int dirfd, uint64_t **v, size_t *n);

/* segment_header: the link type of a file that begins with our pcap header, or -EBADMSG. */
int segment_header(const uint8_t *p, size_t n);

/* segment_record: reads the record at p. Its whole size (header and bytes) when it is all there; 0
 * when more bytes are needed; -EBADMSG when it is no record (a torn write, zeroes). */
struct segment_record {
	uint64_t ts_ns;
	uint32_t caplen, len;
};
int64_t segment_record(const uint8_t *p, size_t n, struct segment_record *out);

/* segment_scan: counts the whole records of an open segment from its beginning. *linktype -1 when
 * not even the header is whole. *good is the offset after the last whole record. 0 or -errno. */
int segment_scan(int fd, uint64_t *records, uint64_t *good, int *linktype);

#endif

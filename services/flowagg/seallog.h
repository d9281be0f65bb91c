/*
 * seallog: the files delivered since the last checkpoint, so that the replay after a crash does not
 * deliver them again.
 *
 * Each file has one record: its seal number, which the replay gives it again, and its size and key
 * hash, which tell whether it is the same file. A torn or foreign record ends the log.
 */
#ifndef FLOWAGG_SEALLOG_H
#define FLOWAGG_SEALLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seal_record {
	uint64_t number;
	uint64_t file_bytes;
	uint8_t id[16]; /* flowid of the key */
};

#define SEALLOG_RECORD 36 /* on disk: the three, little endian, and a CRC-32 */
/* A checkpoint is due when the log has this many records. */
#define SEALLOG_MAX 65536u

void seallog_encode(const struct seal_record *r, uint8_t out[SEALLOG_RECORD]);
/* seallog_decode: 0 or -EBADMSG. */
int seallog_decode(const uint8_t in[SEALLOG_RECORD], struct seal_record *out);

struct seallog {
	int fd;
	uint64_t n;                /* records in the file */
	struct seal_record *known; /* of the last run, by ascending number */
	size_t nknown, at;
};

/* seallog_open: reads what the last run delivered from seal number `from` on. The file keeps its
 * whole records; a torn tail is cut off. 0 or -errno. */
int seallog_open(const char *path, uint64_t from, struct seallog *l);
void seallog_close(struct seallog *l);
/* seallog_knows: whether this file was delivered by the last run. Ask in the order of numbers. */
bool seallog_knows(struct seallog *l, const struct seal_record *r);
/* seallog_add: appends n records. 0 or -errno. */
int seallog_add(struct seallog *l, const struct seal_record *v, size_t n);
/* seallog_restart: empties the log after a checkpoint, which covers everything before it.
 * Deliveries of the last run beyond the checkpoint (numbers from `from` on) stay in the log. 0 or
 * -errno. */
int seallog_restart(struct seallog *l, uint64_t from);

#endif

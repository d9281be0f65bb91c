/*
 * class_seen_file: the table of seen classes on disk.
 *
 *   "LKSEEN" · version of the file (1 byte) · CLASS_VERSION (1 byte) · count (8) · SHA-256 of the
 * rows (32) rows: class (16) · last seen, ns (8)
 *
 * Integers are little-endian. The file is read a block at a time: its count is a claim, its length
 * is not.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "class/class_table.h"

#define MAGIC        "LKSEEN"
#define FILE_VERSION 1
#define HEADER       48
#define ROW          (CLASS_SEEN_ID + 8)
#define BLOCK        1024 /* rows */

static void put64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v = 0;
	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

static void put_header(uint8_t *h, uint64_t count, const uint8_t *sum)
{
	memcpy(h, MAGIC, 6);
	h[6] = FILE_VERSION;
	h[7] = CLASS_VERSION;
	put64(h + 8, count);
	memcpy(h + 16, sum, 32);
}

/* Reads the rows behind a good header. 0 or -EBADMSG or the error of reading. */
static int load_rows(struct class_seen *s, FILE *f, const uint8_t *header)
{
	uint8_t block[BLOCK * ROW], sum[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state hash;
	uint64_t count = 0;
	size_t n;

	crypto_hash_sha256_init(&hash);
	while ((n = fread(block, 1, sizeof block, f)) > 0) {
		if (n % ROW)
			return -EBADMSG;
		crypto_hash_sha256_update(&hash, block, n);
		for (size_t i = 0; i < n; i += ROW)
			class_seen_put(s, block + i, get64(block + i + CLASS_SEEN_ID));
		count += n / ROW;
	}
	if (ferror(f))
		return -EIO;
	crypto_hash_sha256_final(&hash, sum);
	return count == get64(header + 8) && memcmp(sum, header + 16, sizeof sum) == 0 ? 0
										       : -EBADMSG;
}

int class_seen_load(struct class_seen *s, const char *path)
{
	uint8_t header[HEADER];
	char bad[4096];
	int r;

	class_seen_clear(s);
	FILE *f = fopen(path, "rbe");
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	if (fread(header, 1, sizeof header, f) != sizeof header)
		r = ferror(f) ? -EIO : -EBADMSG;
	else if (memcmp(header, MAGIC, 6) != 0 || header[6] != FILE_VERSION ||
		 header[7] != CLASS_VERSION)
		r = -EBADMSG;
	else
		r = load_rows(s, f, header);
	fclose(f);
	if (r < 0)
		class_seen_clear(s);
	s->stats.evicted = 0; /* what did not fit a smaller table is no loss of this run */
	if (r == -EBADMSG && snprintf(bad, sizeof bad, "%s.bad", path) < (int)sizeof bad &&
	    rename(path, bad) != 0)
		return -errno;
	return r;
}

struct seen_out {
	int fd;
	size_t n; /* bytes in block */
	uint8_t block[BLOCK * ROW];
};

static int put_row(struct seen_out *o, const uint8_t row[ROW])
{
	int r = 0;

	memcpy(o->block + o->n, row, ROW);
	o->n += ROW;
	if (o->n == sizeof o->block) {
		r = fs_write_all(o->fd, o->block, o->n);
		o->n = 0;
	}
	return r;
}

static int write_rows(void *arg, int fd)
{
	const struct class_seen *s = arg;
	uint8_t row[ROW], header[HEADER] = {0}, sum[crypto_hash_sha256_BYTES];
	struct seen_out out = {.fd = fd};
	crypto_hash_sha256_state hash;
	uint64_t count = 0;

	int r = fs_write_all(fd, header, sizeof header);
	crypto_hash_sha256_init(&hash);
	for (size_t i = 0; i < s->sets * SEEN_WAYS && r == 0; i++) {
		if (!s->v[i].ts_ns)
			continue;
		memcpy(row, s->v[i].id, CLASS_SEEN_ID);
		put64(row + CLASS_SEEN_ID, s->v[i].ts_ns);
		crypto_hash_sha256_update(&hash, row, sizeof row);
		r = put_row(&out, row);
		count++;
	}
	if (r == 0)
		r = fs_write_all(fd, out.block, out.n);
	if (r < 0)
		return r;
	crypto_hash_sha256_final(&hash, sum);
	put_header(header, count, sum);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return fs_write_all(fd, header, sizeof header);
}

int class_seen_save(struct class_seen *s, const char *path)
{
	/* Of files that are worked off nothing else tells which classes they had: with an older
	 * table what was seen would be told as new. */
	int r = fs_replace_by(path, 0640, FS_FILE_AND_DIR, write_rows, s);
	if (r == 0)
		s->dirty = false;
	return r;
}

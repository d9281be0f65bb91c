#include "flowagg/seallog.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

void seallog_encode(const struct seal_record *r, uint8_t out[SEALLOG_RECORD])
{
	uint64_t number = htole64(r->number), bytes = htole64(r->file_bytes);

	memcpy(out, &number, 8);
	memcpy(out + 8, &bytes, 8);
	memcpy(out + 16, r->id, 16);
	uint32_t crc = htole32((uint32_t)crc32_z(0, out, 32));
	memcpy(out + 32, &crc, 4);
}

int seallog_decode(const uint8_t in[SEALLOG_RECORD], struct seal_record *out)
{
	uint64_t number, bytes;
	uint32_t crc;

	memcpy(&number, in, 8);
	memcpy(&bytes, in + 8, 8);
	memcpy(&crc, in + 32, 4);
	if (crc32_z(0, in, 32) != le32toh(crc))
		return -EBADMSG;
	*out = (struct seal_record){.number = le64toh(number), .file_bytes = le64toh(bytes)};
	memcpy(out->id, in + 16, 16);
	return 0;
}

/* Numbers ascend, or the log was written by a run that lost its state. */
static int seallog_read_known(struct seallog *l, uint64_t from)
{
	uint8_t raw[SEALLOG_RECORD];
	struct seal_record r;
	size_t cap = 0;

	for (off_t at = 0; pread(l->fd, raw, sizeof raw, at) == (ssize_t)sizeof raw;
	     at += SEALLOG_RECORD) {
		if (seallog_decode(raw, &r))
			break;
		l->n++;
		if (r.number < from || (l->nknown && r.number <= l->known[l->nknown - 1].number))
			continue;
		if (l->nknown == cap) {
			cap = cap ? 2 * cap : 256;
			struct seal_record *v = reallocarray(l->known, cap, sizeof *v);
			if (!v)
				return -ENOMEM;
			l->known = v;
		}
		l->known[l->nknown++] = r;
	}
	/* New records are appended after the last whole one. */
	return ftruncate(l->fd, (off_t)(l->n * SEALLOG_RECORD)) < 0 ? -errno : 0;
}

int seallog_open(const char *path, uint64_t from, struct seallog *l)
{
	*l = (struct seallog){.fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640)};
	if (l->fd < 0)
		return -errno;
	int rc = seallog_read_known(l, from);
	if (rc)
		seallog_close(l);
	return rc;
}

void seallog_close(struct seallog *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->known);
	*l = (struct seallog){.fd = -1};
}

bool seallog_knows(struct seallog *l, const struct seal_record *r)
{
	while (l->at < l->nknown && l->known[l->at].number < r->number)
		l->at++;
	if (l->at == l->nknown) {
		free(l->known);
		l->known = NULL;
		l->nknown = l->at = 0;
		return false;
	}
	const struct seal_record *k = &l->known[l->at];
	return k->number == r->number && k->file_bytes == r->file_bytes &&
	       memcmp(k->id, r->id, sizeof k->id) == 0;
}

int seallog_add(struct seallog *l, const struct seal_record *v, size_t n)
{
	uint8_t raw[64 * SEALLOG_RECORD];

	while (n) {
		size_t k = n < 64 ? n : 64;
		for (size_t i = 0; i < k; i++)
			seallog_encode(&v[i], raw + i * SEALLOG_RECORD);
		ssize_t w = write(l->fd, raw, k * SEALLOG_RECORD);
		if (w != (ssize_t)(k * SEALLOG_RECORD)) {
			int rc = w < 0 ? -errno : -ENOSPC;
			/* The file keeps ending after its last whole record. */
			if (ftruncate(l->fd, (off_t)(l->n * SEALLOG_RECORD)) < 0)
				rc = -errno;
			return rc;
		}
		l->n += k;
		v += k;
		n -= k;
	}
	return 0;
}

int seallog_restart(struct seallog *l, uint64_t from)
{
	if (ftruncate(l->fd, 0) < 0)
		return -errno;
	l->n = 0;
	while (l->at < l->nknown && l->known[l->at].number < from)
		l->at++;
	return l->nknown ? seallog_add(l, l->known + l->at, l->nknown - l->at) : 0;
}

#include "storage/journal_segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkt/capfile.h"

/* The nanosecond magic in host byte order: the journal is read on the machine that wrote it. */
#define MAGIC_NS 0xa1b23c4du

#define SCAN_BUFFER (2 * CAPFILE_MAX_PACKET)

void segment_name(uint64_t first, char out[SEGMENT_NAME])
{
	snprintf(out, SEGMENT_NAME, "%020" PRIu64 ".pcap", first);
}

uint64_t segment_number(const char *name)
{
	uint64_t n = 0;

	if (strlen(name) != SEGMENT_NAME - 1 || strcmp(name + 20, ".pcap") != 0)
		return 0;
	for (int i = 0; i < 20; i++) {
		if (name[i] < '0' || name[i] > '9')
			return 0;
		if (__builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(name[i] - '0'), &n))
			return 0;
	}
	return n;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

int segment_list(int dirfd, uint64_t **out, size_t *count)
{
	uint64_t *v = NULL;
	size_t n = 0, cap = 0;
	int rc = 0;

	/* A new open file description: readdir's position is not shared with another list. */
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	DIR *d = fdopendir(fd);
	if (!d) {
		rc = -errno;
		close(fd);
		return rc;
	}
	for (struct dirent *e; n < SEGMENT_MAX && (errno = 0, e = readdir(d));) {
		uint64_t first = segment_number(e->d_name);
		if (!first)
			continue;
		if (n == cap) {
			size_t more = cap ? 2 * cap : 64;
			uint64_t *w = reallocarray(v, more, sizeof *v);
			if (!w) {
				rc = -ENOMEM;
				goto out;
			}
			v = w;
			cap = more;
		}
		v[n++] = first;
	}
	if (n)
		qsort(v, n, sizeof *v, by_number);
out:
	closedir(d);
	if (rc) {
		free(v);
		return rc;
	}
	*out = v;
	*count = n;
	return 0;
}

int segment_header(const uint8_t *p, size_t n)
{
	uint32_t magic, linktype;

	if (n < PCAP_FILE_HEADER)
		return -EBADMSG;
	memcpy(&magic, p, 4);
	memcpy(&linktype, p + 20, 4);
	/* The upper bits hold FCS information in the format (draft-ietf-opsawg-pcap); we write
	 * none. */
	if (magic != MAGIC_NS || linktype > 0xffff)
		return -EBADMSG;
	return (int)linktype;
}

int64_t segment_record(const uint8_t *p, size_t n, struct segment_record *out)
{
	uint32_t f[4];

	if (n < PCAP_RECORD_HEADER)
		return 0;
	memcpy(f, p, sizeof f);
	if (f[1] >= 1000000000u || f[2] > CAPFILE_MAX_PACKET || f[3] < f[2])
		return -EBADMSG;
	if (!f[0] && !f[1] && !f[2] && !f[3])
		return -EBADMSG;
	if (n - PCAP_RECORD_HEADER < f[2])
		return 0;
	out->ts_ns = f[0] * UINT64_C(1000000000) + f[1];
	out->caplen = f[2];
	out->len = f[3];
	return PCAP_RECORD_HEADER + (int64_t)f[2];
}

int segment_scan(int fd, uint64_t *records, uint64_t *good, int *linktype)
{
	struct segment_record rec;
	uint64_t off = 0; /* of buf in the file */
	size_t have = 0;
	int rc = 0;

	*records = 0;
	*good = 0;
	*linktype = -1;
	uint8_t *buf = malloc(SCAN_BUFFER);
	if (!buf)
		return -ENOMEM;
	for (;;) {
		ssize_t got = pread(fd, buf + have, SCAN_BUFFER - have, (off_t)(off + have));
		if (got < 0) {
			if (errno == EINTR)
				continue;
			rc = -errno;
			break;
		}
		have += (size_t)got;
		size_t at = 0;
		if (*linktype < 0) {
			*linktype = segment_header(buf, have);
			if (*linktype < 0)
				break;
			at = PCAP_FILE_HEADER;
		}
		int64_t size;
		while ((size = segment_record(buf + at, have - at, &rec)) > 0) {
			at += (size_t)size;
			++*records;
		}
		off += at;
		*good = off;
		if (size < 0 || got == 0)
			break;
		memmove(buf, buf + at, have - at);
		have -= at;
	}
	if (*linktype < 0)
		*linktype = -1;
	free(buf);
	return rc;
}

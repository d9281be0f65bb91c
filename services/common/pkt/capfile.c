#include "pkt/capfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "pkt/capfile_own.h"

int capfile_end_with(struct capfile *c, const char *what)
{
	if (c->src.strange)
		what = "bytes that are no gzip data follow the last of them";
	else if (c->src.error)
		what = c->src.error == -EBADMSG ? "broken gzip data" : strerror(-c->src.error);
	snprintf(c->error, sizeof c->error, "%s at byte %" PRIu64 "%s", what, c->src.consumed,
		 c->src.gzip ? " (uncompressed)" : "");
	c->ended = c->src.error ? c->src.error : -EBADMSG;
	return c->ended;
}

int capfile_end_of_file(struct capfile *c)
{
	if (c->src.error)
		return capfile_end_with(c, "");
	c->ended = 1;
	return 0;
}

static int capfile_begin(struct capfile *c)
{
	if (!capsource_peek(&c->src, 4))
		return capfile_end_with(c, "not a capture file");
	uint32_t magic;
	memcpy(&magic, capsource_at(&c->src), sizeof magic);
	if (magic != NG_SHB)
		return capfile_pcap_begin(c);
	c->is_ng = true;
	return capfile_ng_begin(c);
}

static int capfile_opened(struct capfile *c, int rc, struct capfile **out, char *errbuf,
			  size_t errlen)
{
	if (!rc)
		rc = capfile_begin(c);
	if (rc) {
		snprintf(errbuf, errlen, "%s", c->error[0] ? c->error : strerror(-rc));
		capfile_close(&c);
		return rc;
	}
	*out = c;
	return 0;
}

int capfile_open(const char *path, struct capfile **out, char *errbuf, size_t errlen)
{
	*out = NULL;
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		int rc = -errno;
		snprintf(errbuf, errlen, "%s", strerror(-rc));
		return rc;
	}
	return capfile_open_fd(fd, out, errbuf, errlen);
}

int capfile_open_fd(int fd, struct capfile **out, char *errbuf, size_t errlen)
{
	*out = NULL;
	struct capfile *c = calloc(1, sizeof *c);
	if (!c) {
		if (fd != STDIN_FILENO)
			close(fd);
		snprintf(errbuf, errlen, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	return capfile_opened(c, capsource_fd(&c->src, fd), out, errbuf, errlen);
}

int capfile_open_memory(const void *data, size_t n, struct capfile **out, char *errbuf,
			size_t errlen)
{
	*out = NULL;
	struct capfile *c = calloc(1, sizeof *c);
	if (!c) {
		snprintf(errbuf, errlen, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	return capfile_opened(c, capsource_memory(&c->src, data, n), out, errbuf, errlen);
}

int capfile_next(struct capfile *c, struct capfile_packet *out)
{
	if (c->ended)
		return c->ended == 1 ? 0 : c->ended;
	return c->is_ng ? capfile_ng_next(c, out) : capfile_pcap_next(c, out);
}

bool capfile_at_hand(const struct capfile *c)
{
	if (c->ended)
		return false;
	return c->is_ng ? capfile_ng_at_hand(c) : capfile_pcap_at_hand(c);
}

uint64_t capfile_offset(const struct capfile *c)
{
	return c->src.consumed;
}

const char *capfile_error(const struct capfile *c)
{
	return c->error;
}

bool capfile_unreadable(const struct capfile *c)
{
	return c->src.map.failed || c->src.error == -EIO;
}

uint64_t capfile_strays(const struct capfile *c)
{
	return c->strays;
}

void capfile_close(struct capfile **c)
{
	if (!*c)
		return;
	capsource_fini(&(*c)->src);
	free((*c)->ifs);
	free(*c);
	*c = NULL;
}

int capfile_count(int fd, uint64_t *packets)
{
	struct capfile *c;
	struct capfile_packet p;
	char err[128];
	int rc = capfile_open_fd(fd, &c, err, sizeof err);

	if (rc)
		return rc;
	while ((rc = capfile_next(c, &p)) == 1)
		++*packets;
	capfile_close(&c);
	return rc;
}

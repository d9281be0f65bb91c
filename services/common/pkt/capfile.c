/*
 * capfile: the formats. pcap: draft-ietf-opsawg-pcap and the variants that libpcap knows; pcapng:
 * draft-ietf-opsawg-pcapng.
 */
#include "pkt/capfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkt/capsource.h"
#include "pkt/pkt.h"

#define NS_PER_S 1000000000u

/* A file with more interfaces in a section is reported as broken. */
#define MAX_INTERFACES 65536

struct interface {
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
	struct interface *ifs;
	size_t nifs, ifs_cap;
	uint32_t skip; /* rest of the block whose packet was handed out */
	uint64_t strays;
};

static uint16_t get16(const struct capfile *c, const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return c->swapped ? __builtin_bswap16(v) : v;
}

static uint32_t get32(const struct capfile *c, const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return c->swapped ? __builtin_bswap32(v) : v;
}

/* end_with: remembers why reading ends, at the current offset unless the source failed itself. */
static int end_with(struct capfile *c, const char *what)
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

static int end_of_file(struct capfile *c)
{
	if (c->src.error)
		return end_with(c, "");
	c->ended = 1;
	return 0;
}

/* pcap ---------------------------------------------------------------------------------------- */

/* compressed_with: what a file is instead of a capture; NULL: we do not know. */
static const char *compressed_with(uint32_t magic)
{
	static const struct {
		uint8_t magic[4];
		uint8_t n;
		const char *says;
	} kinds[] = {
		{"BZh", 3, "not a capture file, but compressed with bzip2 (only gzip is read)"},
		{"\xfd"
		 "7zX",
		 4, "not a capture file, but compressed with xz (only gzip is read)"},
		{"\x28\xb5\x2f\xfd", 4,
		 "not a capture file, but compressed with zstd (only gzip is read)"},
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (memcmp(&magic, kinds[i].magic, kinds[i].n) == 0)
			return kinds[i].says;
	return NULL;
}

static int pcap_begin(struct capfile *c)
{
	static const struct {
		uint32_t magic;
		bool nano;
		uint32_t extra;
	} kinds[] = {
		{0xa1b2c3d4, false, 0},
		{0xa1b23c4d, true, 0},
		{0xa1b2cd34, false, 8}, /* interface, protocol and packet type after each header */
	};
	const uint8_t *h = capsource_at(&c->src);
	uint32_t magic;
	size_t i;

	memcpy(&magic, h, sizeof magic);
	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (magic == kinds[i].magic || magic == __builtin_bswap32(kinds[i].magic))
			break;
	if (i == sizeof kinds / sizeof kinds[0]) {
		const char *says = compressed_with(magic);
		return end_with(c, says ? says : "not a capture file");
	}
	c->swapped = magic != kinds[i].magic;
	c->nano = kinds[i].nano;
	c->record_extra = kinds[i].extra;
	if (!capsource_peek(&c->src, PCAP_FILE_HEADER))
		return end_with(c, "file header cut off");
	h = capsource_at(&c->src);
	uint16_t major = get16(c, h + 4), minor = get16(c, h + 6);
	/* Before 2.3 the two lengths of a record stood the other way round; in 2.3, and in files by
	 * one DG/UX version that says 543.0, either way. */
	c->lengths_swapped = major == 2 && minor < 3;
	c->lengths_maybe_swapped = (major == 2 && minor == 3) || major == 543;
	/* The upper bits hold the frame check sequence's length. */
	c->linktype = (int)(get32(c, h + 20) & 0x03ffffff);
	capsource_take(&c->src, PCAP_FILE_HEADER);
	return 0;
}

/* record: the packet whose record begins at h; its data follow. */
static void record(const struct capfile *c, const uint8_t *h, struct capfile_packet *out)
{
	uint32_t s = get32(c, h), frac = get32(c, h + 4), caplen = get32(c, h + 8),
		 len = get32(c, h + 12);

	if (c->lengths_swapped || (c->lengths_maybe_swapped && caplen > len)) {
		uint32_t t = caplen;
		caplen = len;
		len = t;
	}
	out->ts_ns = (uint64_t)s * NS_PER_S + (c->nano ? frac : (uint64_t)frac * 1000);
	out->ts_wraps = 0;
	out->caplen = caplen;
	out->len = len < caplen ? caplen : len;
	out->linktype = c->linktype;
	out->data = h + PCAP_RECORD_HEADER + c->record_extra;
}

static int pcap_next(struct capfile *c, struct capfile_packet *out)
{
	size_t hdr = PCAP_RECORD_HEADER + c->record_extra;

	if (!capsource_peek(&c->src, hdr)) {
		if (!capsource_held(&c->src))
			return end_of_file(c);
		return end_with(c, "packet header cut off");
	}
	record(c, capsource_at(&c->src), out);
	if (out->caplen > CAPFILE_MAX_PACKET)
		return end_with(c, "impossible packet length");
	if (!capsource_peek(&c->src, hdr + out->caplen))
		return end_with(c, "packet cut off");
	out->data = capsource_at(&c->src) + hdr;
	out->place = c->src.stay ? c->src.pos : CAPFILE_NOWHERE;
	capsource_take(&c->src, hdr + out->caplen);
	return 1;
}

bool capfile_again(struct capfile *c, uint64_t place, struct capfile_packet *out)
{
	size_t hdr = PCAP_RECORD_HEADER + c->record_extra;
	const uint8_t *h = capsource_again(&c->src, place, hdr);

	if (!h)
		return false;
	record(c, h, out);
	out->place = place;
	return capsource_again(&c->src, place, hdr + out->caplen) && !c->src.map.failed;
}

void capfile_done(struct capfile *c, uint64_t place)
{
	if (c->src.map.n)
		mapped_done(&c->src.map, (size_t)place);
}

void capfile_ahead(const struct capfile *c, uint64_t place)
{
	const uint8_t *h = c->src.at + place;

	/* The record's header, and those of the packet. */
	__builtin_prefetch(h);
	__builtin_prefetch(h + 64);
}

/* pcapng -------------------------------------------------------------------------------------- */

enum { NG_IDB = 1, NG_PB = 2, NG_SPB = 3, NG_EPB = 6, NG_SHB = 0x0a0d0d0a };

/* No block but a packet's is held in memory, yet a larger one is surely broken. */
#define NG_MAX_BLOCK (1u << 30)

/* section: a Section Header Block: byte order; interfaces begin anew. */
static int section(struct capfile *c)
{
	if (!capsource_peek(&c->src, 28))
		return end_with(c, "section header cut off");
	uint32_t order;
	memcpy(&order, capsource_at(&c->src) + 8, sizeof order);
	if (order != 0x1a2b3c4d && order != 0x4d3c2b1a)
		return end_with(c, "section header without byte-order magic");
	c->swapped = order != 0x1a2b3c4d;
	const uint8_t *h = capsource_at(&c->src);
	if (get16(c, h + 12) != 1)
		return end_with(c, "unknown pcapng version");
	uint32_t len = get32(c, h + 4);
	if (len < 28 || len % 4 || len > NG_MAX_BLOCK)
		return end_with(c, "impossible section header length");
	c->nifs = 0;
	if (!capsource_skip(&c->src, len))
		return end_with(c, "section header cut off");
	return 0;
}

/* if_options: timestamp resolution (9) and offset (14) of an interface. */
static void if_options(const struct capfile *c, const uint8_t *p, size_t n, struct interface *ifc)
{
	while (n >= 4) {
		uint16_t code = get16(c, p);
		size_t len = get16(c, p + 2), padded = (len + 3) & ~(size_t)3;
		if (!code || padded > n - 4)
			return;
		const uint8_t *v = p + 4;
		if (code == 9 && len >= 1) {
			unsigned exp = v[0] & 0x7f;
			uint64_t units = 1;
			if (v[0] & 0x80) {
				units = exp < 64 ? (uint64_t)1 << exp : 0;
			} else {
				for (unsigned i = 0; i < exp && units; i++)
					units = units <= UINT64_MAX / 10 ? units * 10 : 0;
			}
			ifc->units_per_s = units;
		} else if (code == 14 && len >= 8) {
			uint32_t a = get32(c, v), b = get32(c, v + 4);
			ifc->offset_s = c->swapped == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
						? (int64_t)((uint64_t)a << 32 | b)
						: (int64_t)((uint64_t)b << 32 | a);
		}
		p += 4 + padded;
		n -= 4 + padded;
	}
}

static int interface(struct capfile *c, uint32_t len)
{
	/* Options beyond this are not for us. */
	uint32_t look = len < 4096 ? len : 4096;

	if (len < 20 || !capsource_peek(&c->src, look))
		return end_with(c, "interface description cut off");
	if (c->nifs == MAX_INTERFACES)
		return end_with(c, "too many interfaces");
	if (c->nifs == c->ifs_cap) {
		size_t cap = c->ifs_cap ? c->ifs_cap * 2 : 4;
		struct interface *grown = realloc(c->ifs, cap * sizeof *grown);
		if (!grown) {
			c->ended = -ENOMEM;
			return c->ended;
		}
		c->ifs = grown;
		c->ifs_cap = cap;
	}
	const uint8_t *h = capsource_at(&c->src);
	struct interface *ifc = &c->ifs[c->nifs++];
	*ifc = (struct interface){
		.linktype = get16(c, h + 8), .snaplen = get32(c, h + 12), .units_per_s = 1000000};
	/* Without the trailing length; of a longer block, as far as it is looked at. */
	if_options(c, h + 16, (look < len ? look : len - 4) - 16, ifc);
	if (!capsource_skip(&c->src, len))
		return end_with(c, "interface description cut off");
	return 0;
}

static void set_time(const struct interface *ifc, uint64_t ts, struct capfile_packet *out)
{
	__extension__ typedef __int128 i128;

	out->ts_ns = 0;
	out->ts_wraps = 0;
	if (!ifc->units_per_s)
		return;
	i128 ns = (i128)ts * NS_PER_S / (i128)ifc->units_per_s + (i128)ifc->offset_s * NS_PER_S;
	if (ns < 0)
		return;
	out->ts_ns = (uint64_t)ns;
	out->ts_wraps = (uint32_t)(ns >> 64);
}

/* packet: hands out the packet at the given offset of the block and remembers what of the block
 * follows. 1, 0 when there is none to hand out, or -errno. */
static int packet(struct capfile *c, uint32_t block, uint32_t at, uint32_t caplen, uint32_t len,
		  uint64_t ts, uint32_t ifindex, struct capfile_packet *out)
{
	if (ifindex >= c->nifs) {
		c->strays++;
		c->skip = block;
		return 0;
	}
	if (caplen > CAPFILE_MAX_PACKET || caplen > block - at - 4)
		return end_with(c, "impossible packet length");
	if (!capsource_peek(&c->src, at + caplen))
		return end_with(c, "packet cut off");
	const struct interface *ifc = &c->ifs[ifindex];
	set_time(ifc, ts, out);
	out->caplen = caplen;
	out->len = len < caplen ? caplen : len;
	out->linktype = ifc->linktype;
	out->data = capsource_at(&c->src) + at;
	out->place = CAPFILE_NOWHERE;
	/* The rest of the block goes with the next call: skipping could move the packet. */
	capsource_take(&c->src, at + caplen);
	c->skip = block - at - caplen;
	return 1;
}

static int ng_next(struct capfile *c, struct capfile_packet *out)
{
	for (;;) {
		if (c->skip) {
			uint32_t n = c->skip;
			c->skip = 0;
			if (!capsource_skip(&c->src, n))
				return end_with(c, "block cut off");
		}
		if (!capsource_peek(&c->src, 12)) {
			if (!capsource_held(&c->src))
				return end_of_file(c);
			return end_with(c, "block header cut off");
		}
		const uint8_t *h = capsource_at(&c->src);
		uint32_t type = get32(c, h), len = get32(c, h + 4);
		int rc = 0;
		if (type == NG_SHB) {
			rc = section(c);
			if (rc)
				return rc;
			continue;
		}
		if (len < 12 || len % 4 || len > NG_MAX_BLOCK)
			return end_with(c, "impossible block length");
		switch (type) {
		case NG_IDB:
			rc = interface(c, len);
			break;
		case NG_EPB:
		case NG_PB: {
			if (len < 32 || !capsource_peek(&c->src, 28))
				return end_with(c, "packet block cut off");
			h = capsource_at(&c->src);
			uint32_t ifindex = type == NG_EPB ? get32(c, h + 8) : get16(c, h + 8);
			uint64_t ts = (uint64_t)get32(c, h + 12) << 32 | get32(c, h + 16);
			rc = packet(c, len, 28, get32(c, h + 20), get32(c, h + 24), ts, ifindex,
				    out);
			break;
		}
		case NG_SPB: {
			if (len < 16)
				return end_with(c, "packet block cut off");
			uint32_t caplen = get32(c, h + 8), orig = caplen;
			if (c->nifs && c->ifs[0].snaplen && caplen > c->ifs[0].snaplen)
				caplen = c->ifs[0].snaplen;
			if (caplen > len - 16)
				caplen = len - 16;
			rc = packet(c, len, 12, caplen, orig, 0, 0, out);
			break;
		}
		default:
			if (!capsource_skip(&c->src, len))
				return end_with(c, "block cut off");
		}
		if (rc)
			return rc;
	}
}

/* ---------------------------------------------------------------------------------------------- */

static int begin(struct capfile *c)
{
	if (!capsource_peek(&c->src, 4))
		return end_with(c, "not a capture file");
	uint32_t magic;
	memcpy(&magic, capsource_at(&c->src), sizeof magic);
	if (magic != NG_SHB)
		return pcap_begin(c);
	c->is_ng = true;
	return section(c);
}

static int opened(struct capfile *c, int rc, struct capfile **out, char *errbuf, size_t errlen)
{
	if (!rc)
		rc = begin(c);
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
	return opened(c, capsource_fd(&c->src, fd), out, errbuf, errlen);
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
	return opened(c, capsource_memory(&c->src, data, n), out, errbuf, errlen);
}

int capfile_next(struct capfile *c, struct capfile_packet *out)
{
	if (c->ended)
		return c->ended == 1 ? 0 : c->ended;
	return c->is_ng ? ng_next(c, out) : pcap_next(c, out);
}

bool capfile_at_hand(const struct capfile *c)
{
	size_t held = capsource_held(&c->src), need = PCAP_RECORD_HEADER + c->record_extra;
	const uint8_t *h = capsource_at(&c->src);
	uint32_t n;

	if (c->ended)
		return false;
	if (c->is_ng) {
		if (held < c->skip || held - c->skip < 12)
			return false;
		h += c->skip;
		n = get32(c, h + 4);
		return get32(c, h) == NG_EPB && n >= 32 && n <= held - c->skip &&
		       get32(c, h + 8) < c->nifs;
	}
	if (held < need)
		return false;
	n = get32(c, h + 8);
	/* Whichever of the two is the packet's. */
	if ((c->lengths_swapped || c->lengths_maybe_swapped) && get32(c, h + 12) > n)
		n = get32(c, h + 12);
	return n <= held - need;
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

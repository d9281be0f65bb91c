/*
 * capfile_pcap: the pcap format (draft-ietf-opsawg-pcap) and the variants that libpcap knows.
 */
#include <errno.h>

#include "base/clock.h"
#include "pkt/capfile_own.h"

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

int capfile_pcap_begin(struct capfile *c)
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
		return capfile_end_with(c, says ? says : "not a capture file");
	}
	c->swapped = magic != kinds[i].magic;
	c->nano = kinds[i].nano;
	c->record_extra = kinds[i].extra;
	if (!capsource_peek(&c->src, PCAP_FILE_HEADER))
		return capfile_end_with(c, "file header cut off");
	h = capsource_at(&c->src);
	uint16_t major = capfile_get16(c, h + 4), minor = capfile_get16(c, h + 6);
	/* Before 2.3 the two lengths of a record stood the other way round; in 2.3, and in files by
	 * one DG/UX version that says 543.0, either way. */
	c->lengths_swapped = major == 2 && minor < 3;
	c->lengths_maybe_swapped = (major == 2 && minor == 3) || major == 543;
	/* The upper bits hold the frame check sequence's length. */
	c->linktype = (int)(capfile_get32(c, h + 20) & 0x03ffffff);
	capsource_take(&c->src, PCAP_FILE_HEADER);
	return 0;
}

/* pcap_record: the packet whose record begins at h; its data follow. */
static void pcap_record(const struct capfile *c, const uint8_t *h, struct capfile_packet *out)
{
	uint32_t s = capfile_get32(c, h), frac = capfile_get32(c, h + 4),
		 caplen = capfile_get32(c, h + 8), len = capfile_get32(c, h + 12);

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

int capfile_pcap_next(struct capfile *c, struct capfile_packet *out)
{
	size_t hdr = PCAP_RECORD_HEADER + c->record_extra;

	if (!capsource_peek(&c->src, hdr)) {
		if (!capsource_held(&c->src))
			return capfile_end_of_file(c);
		return capfile_end_with(c, "packet header cut off");
	}
	pcap_record(c, capsource_at(&c->src), out);
	if (out->caplen > CAPFILE_MAX_PACKET)
		return capfile_end_with(c, "impossible packet length");
	if (!capsource_peek(&c->src, hdr + out->caplen))
		return capfile_end_with(c, "packet cut off");
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
	pcap_record(c, h, out);
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

bool capfile_pcap_at_hand(const struct capfile *c)
{
	size_t held = capsource_held(&c->src), need = PCAP_RECORD_HEADER + c->record_extra;
	const uint8_t *h = capsource_at(&c->src);

	if (held < need)
		return false;
	uint32_t n = capfile_get32(c, h + 8);
	/* Whichever of the two is the packet's. */
	if ((c->lengths_swapped || c->lengths_maybe_swapped) && capfile_get32(c, h + 12) > n)
		n = capfile_get32(c, h + 12);
	return n <= held - need;
}

/*
 * pcap_write: the headers of the pcap files that lurker writes.
 */
#include <string.h>

#include "base/clock.h"
#include "pkt/capfile.h"

void pcap_put_header(uint8_t out[PCAP_FILE_HEADER], int linktype, uint32_t snaplen)
{
	const uint16_t version[2] = {2, 4};
	const uint32_t magic = 0xa1b23c4d, zone[2] = {0, 0},
		       tail[2] = {snaplen, (uint32_t)linktype};

	memcpy(out, &magic, 4);
	memcpy(out + 4, version, 4);
	memcpy(out + 8, zone, 8);
	memcpy(out + 16, tail, 8);
}

void pcap_put_record(uint8_t out[PCAP_RECORD_HEADER], uint64_t ts_ns, uint32_t caplen, uint32_t len)
{
	const uint32_t h[4] = {(uint32_t)(ts_ns / NS_PER_S), (uint32_t)(ts_ns % NS_PER_S), caplen,
			       len};

	memcpy(out, h, sizeof h);
}

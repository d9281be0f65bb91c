/* Any bytes are a capture file, or one up to a certain offset, or none. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "pkt/capfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct capfile *c;
	struct capfile_packet k;
	char err[128] = "";
	uint64_t last = 0;
	volatile uint8_t sink = 0; /* every packet is read, for the sanitizer */
	int rc = capfile_open_memory(data, n, &c, err, sizeof err);

	if (rc) {
		if (rc != -EBADMSG || c || !err[0])
			abort();
		return 0;
	}
	while ((rc = capfile_next(c, &k)) == 1) {
		if (k.caplen > CAPFILE_MAX_PACKET || k.len < k.caplen || capfile_offset(c) <= last)
			abort();
		last = capfile_offset(c);
		for (uint32_t i = 0; i < k.caplen; i += 64)
			sink = (uint8_t)(sink ^ k.data[i]);
		if (k.caplen)
			sink = (uint8_t)(sink ^ k.data[k.caplen - 1]);
	}
	if ((rc && rc != -EBADMSG) || (rc && !capfile_error(c)[0]) || capfile_next(c, &k) != rc)
		abort();
	capfile_close(&c);
	return 0;
}

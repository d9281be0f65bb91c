/* What CloudWatch Logs or somebody in its place says of a batch: no more events are rejected than
 * were in it. The first two bytes are how many. */
#include <stdlib.h>

#include "cloud/logs_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 2)
		return 0;
	const struct logs_batch b = {.n = (size_t)(data[0] << 8 | data[1]) % (LOGS_EVENTS + 1)};
	if (logs_batch_rejected(&b, bytes_of(data + 2, n - 2)) > b.n)
		abort();
	return 0;
}

/* What is sent to the endpoint of `lurker metrics`: bytes that come later never change an
 * answer. */
#include <stdlib.h>

#include "scrape_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n > SCRAPE_REQUEST_MAX)
		n = SCRAPE_REQUEST_MAX;
	int whole = scrape_request_status(bytes_of(data, n)), first = 0;
	for (size_t k = 0; k < n && !first; k++)
		first = scrape_request_status(bytes_of(data, k));
	if (first && first != whole)
		abort();
	if (!whole && n == SCRAPE_REQUEST_MAX)
		abort();
	return 0;
}

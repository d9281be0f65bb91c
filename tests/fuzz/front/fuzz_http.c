/* What is sent to the endpoint of `lurker metrics`: bytes that come later never change an
 * answer. */
#include <stdlib.h>

#include "http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n > HTTP_REQUEST_MAX)
		n = HTTP_REQUEST_MAX;
	int whole = http_request(bytes_of(data, n)), first = 0;
	for (size_t k = 0; k < n && !first; k++)
		first = http_request(bytes_of(data, k));
	if (first && first != whole)
		abort();
	if (!whole && n == HTTP_REQUEST_MAX)
		abort();
	return 0;
}

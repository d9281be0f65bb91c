/* What S3, SNS or somebody in their place answers: status in the first two bytes, whose upper bits
 * also say whether the clocks differ and the credentials last, then the body. */
#include <stdlib.h>
#include <string.h>

#include "cloud/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct verdict v;
	if (n < 2)
		return 0;
	bool skewed = data[0] & 0x80, temporary = !(data[0] & 0x40);
	struct http_response a = {.status = (data[0] << 8 | data[1]) % 1000,
				  .body = bytes_of(data + 2, n - 2)};
	response_judge(&a, skewed, temporary, data[0] & 0x20 ? "SNS" : "S3", &v);
	if ((v.result == OUTCOME_OK) != (a.status >= 200 && a.status < 300))
		abort();
	/* Keys that do not change by asking again wait for a person. */
	if (v.credentials && !temporary && v.result != OUTCOME_STUCK)
		abort();
	for (const char *p = v.why; *p; p++)
		if (*p < ' ' || *p > '~' || *p == '"')
			abort();
	return 0;
}

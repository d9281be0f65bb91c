/* What S3 or somebody in its place answers: status in the first two bytes, then the body. */
#include <stdlib.h>
#include <string.h>

#include "cloud/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct verdict v;
	if (n < 2)
		return 0;
	struct http_answer a = {.status = (data[0] << 8 | data[1]) % 1000,
				.body = bytes_of(data + 2, n - 2)};
	answer_judge(&a, false, true, "S3", &v);
	if ((v.result == ANSWER_GOOD) != (a.status >= 200 && a.status < 300))
		abort();
	for (const char *p = v.why; *p; p++)
		if (*p < ' ' || *p > '~' || *p == '"')
			abort();
	return 0;
}

/* What a webhook, Slack or somebody in their place answers. The first two bytes are the status, or
 * libcurl's code when the first one is 255: then the rest is what libcurl says. */
#include <stdlib.h>
#include <string.h>

#include "forwarder/sink_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const long refused[] = {400, 413, 0};
	char error[256] = "";
	struct verdict v;
	if (n < 2)
		return 0;
	struct http_response a = {.body = bytes_of(data + 2, n - 2), .error = error};
	if (data[0] == 255) {
		a.curl = data[1] + 1;
		memcpy(error, data + 2, n - 2 < sizeof error ? n - 2 : sizeof error - 1);
	} else {
		a.status = (data[0] << 8 | data[1]) % 1000;
	}
	enum outcome r = sink_response(&a, "Slack", refused, &v);
	/* Only a success is delivered, and a batch is left out for nothing that an outage could
	 * say. */
	if ((r == OUTCOME_OK) != (!a.curl && a.status >= 200 && a.status < 300))
		abort();
	if ((a.curl || a.status >= 500) && r == OUTCOME_REFUSED && !v.code[0])
		abort();
	if (r != OUTCOME_OK && !v.why[0])
		abort();
	for (const char *p = v.why; *p; p++)
		if (*p < ' ' || *p > '~' || *p == '"')
			abort();
	return 0;
}

/* The texts that credentials come in, and the times in headers. */
#include <stdlib.h>
#include <string.h>

#include "cloud/aws_time.h"
#include "cloud/creds_parse.h"
#include "cloud/retry.h"

/* What was taken must fit its field and cannot end a header line. */
static void sound(const char *text, size_t n)
{
	if (strnlen(text, n) == n || strpbrk(text, "\r\n"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bytes in = bytes_of(data, n);
	static struct creds c;
	char value[64], text[80];
	uint64_t s;
	if (creds_json(in, &c) == 0 || creds_sts(in, &c) == 0) {
		sound(c.key_id, sizeof c.key_id);
		sound(c.secret, sizeof c.secret);
		sound(c.token, sizeof c.token);
	}
	if (creds_ini(in, "default", "aws_access_key_id", value, sizeof value) == 0)
		sound(value, sizeof value);
	if (n < sizeof text) {
		memcpy(text, data, n);
		text[n] = '\0';
		aws_time_http(text, &s);
		aws_time_iso(text, &s);
		if (retry_after_ns(text, 0, 1000) > 1000)
			abort();
	}
	return 0;
}

/* What SQS or somebody in its place answers. */
#include <stdlib.h>

#include "aws/sqs_text.h"

static void on_message(void *arg, const struct sqs_message *m)
{
	if (!m->body.p || !m->handle.n || m->handle.n >= SQS_HANDLE_MAX || !m->id.n ||
	    m->id.n >= SQS_ID_MAX)
		abort();
	++*(unsigned *)arg;
}

static void on_failed(void *arg, size_t i, bool gone, struct bytes code)
{
	(void)arg, (void)gone, (void)code;
	if (i >= SQS_BATCH)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	unsigned messages = 0;
	int rc = sqs_received(bytes_of(data, n), SQS_BATCH, on_message, &messages);
	if (messages > SQS_BATCH || (rc < 0 && messages))
		abort();
	sqs_failed(bytes_of(data, n), SQS_BATCH, on_failed, NULL);
	return 0;
}

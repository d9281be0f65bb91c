/* What arrives in a queue or at the Lambda function: the first byte says which. */
#include <stdlib.h>
#include <string.h>

#include "aws/event.h"

static void look(const struct event *e, int rc)
{
	if (e->n > EVENT_OBJECTS_MAX || (rc && !e->why[0]))
		abort();
	for (size_t i = 0; i < e->n; i++)
		if (!e->v[i].key[0] || strlen(e->v[i].key) >= EVENT_KEY_MAX || !e->v[i].bucket[0] ||
		    strchr(e->v[i].bucket, '/'))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (!n)
		return 0;
	if (data[0] == 'L') {
		struct lambda_event l;
		int rc = lambda_event_read(bytes_of(data + 1, n - 1), &l);
		if (rc && !l.why[0])
			abort();
		for (size_t i = 0; i < l.n; i++)
			look(&l.v[i].event, l.v[i].rc);
		lambda_event_fini(&l);
	} else {
		struct event e;
		look(&e, event_read(bytes_of(data + 1, n - 1), &e));
		event_fini(&e);
	}
	return 0;
}

#include "input.h"

#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static alignas(16) uint8_t memory[1 << 20], message[1 << 14];

const void *input_decode(const uint8_t *data, size_t n, const struct msg_schema **schema)
{
	const uint8_t *newline = n > 0 ? memchr(data, '\n', n) : NULL;
	if (!newline)
		return NULL;
	struct bytes name = bytes_of(data, (size_t)(newline - data));
	struct bytes body = bytes_of(newline + 1, n - name.n - 1);
	const struct msg_schema *s = NULL;
	for (size_t i = 0; msg_schemas[i] && !s; i++) {
		if (bytes_eq(bytes_str(msg_schemas[i]->name), name))
			s = msg_schemas[i];
	}
	if (!s)
		return NULL;
	input_require(s->size <= sizeof message, "size of the message");
	struct msg_arena arena = {.p = memory, .n = sizeof memory};
	int rc = msg_decode(s, body, message, &arena);
	input_require(rc == 0 || rc == -EBADMSG || rc == -ENOBUFS, "error code");
	input_require(arena.used <= arena.n, "arena");
	*schema = s;
	return rc == 0 ? message : NULL;
}

void input_require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "violated: %s\n", what);
	abort();
}

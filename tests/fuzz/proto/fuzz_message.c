/* Whatever is decoded can be encoded, and what was encoded decodes to the same bytes again. */
#include <stdalign.h>

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static alignas(16) uint8_t memory[1 << 20], message[1 << 14];
	const struct msg_schema *s;
	const void *m = input_decode(data, n, &s);
	if (!m)
		return -1;
	struct buf first, second;
	buf_init(&first, 4 << 20);
	buf_init(&second, 4 << 20);
	input_require(msg_encode(s, m, &first) == 0, "a decoded message encodes");
	struct msg_arena arena = {.p = memory, .n = sizeof memory};
	input_require(msg_decode(s, buf_bytes(&first), message, &arena) == 0,
		      "an encoded message decodes");
	input_require(msg_encode(s, message, &second) == 0, "and encodes again");
	input_require(bytes_eq(buf_bytes(&first), buf_bytes(&second)), "to the same bytes");
	buf_fini(&first);
	buf_fini(&second);
	return 0;
}

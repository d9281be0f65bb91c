/* Protocol recognition: a payload through the whole table, or to one recogniser alone.
 * Input: which (0: the table, else the n-th row), transport and port, payload. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/recognisers.h"

static const struct app_row rows[] = {
#define APP_PROTOCOL(name, transports) {#name, transports, app_##name},
	APP_PROTOCOLS
#undef APP_PROTOCOL
};
#define NROWS (sizeof rows / sizeof *rows)

static const uint16_t ports[] = {9,   21,  23,   25,   53,   80,   102,  110,  123,  137,
				 445, 502, 1080, 1433, 2375, 3389, 5060, 6379, 6443, 11211};

static _Alignas(16) uint8_t memory[APP_ARENA_BYTES];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	struct app_in in = {
		.proto = data[1] & 1 ? APP_UDP : APP_TCP,
		.dst_port = ports[(data[1] >> 1) % (sizeof ports / sizeof *ports)],
		.init = {data + 2, size - 2},
	};
	struct msg_arena arena = {memory, sizeof memory, 0};
	struct msg_analysis rec = {0};
	struct buf out;

	if (data[0] == 0)
		app_recognise(&in, &arena, &rec);
	else
		(void)rows[(data[0] - 1u) % NROWS].recognise(&in, &arena, &rec);
	if (arena.used > arena.n)
		abort();
	/* Everything that the record points to must be readable. */
	buf_init(&out, 64u << 20);
	if (msg_encode(&msg_analysis_schema, &rec, &out) != 0)
		abort();
	buf_fini(&out);
	return 0;
}

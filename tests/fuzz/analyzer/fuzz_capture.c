/* A whole capture, from its bytes to the lines of its records: reading, defragmentation, flows, tunnels, reassembly,
 * recognition, printing. With little memory, so that flows are paged out. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "input.h"
#include "out.h"

static struct buf line;

static int one(void *arg, struct record *r, const struct flow *f)
{
	struct history_in h;

	(void)arg;
	history_of(r, f, &h);
	buf_reset(&line);
	for (enum out_format format = OUT_JSON; format <= OUT_ECS; format++)
		if (out_record(format, r, h.bare, &line))
			abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct record r;
	const struct input_options o = {
		.flows = {.stream = {.max_bytes = 1 << 18, .window = 1 << 16},
			  .defrag = {.max_datagrams = 16, .max_bytes = 1 << 20},
			  .memory = 8 << 10,
			  .max_flows = 1000,
			  .page_dir = "/tmp"}};
	struct record_source src = {.sensor = "fuzz", .key = "k", .s3path = "p"};
	struct input_result res;
	struct capfile *c;
	char err[128];

	if (!r.memo) {
		buf_init(&line, 64 << 20);
		if (record_init(&r, 1 << 18))
			abort();
	}
	if (capfile_open_memory(data, n, &c, err, sizeof err))
		return 0;
	if (input_read(&o, c, &r, &src, one, NULL, &res) || (res.rc && res.rc != -EBADMSG))
		abort();
	capfile_close(&c);
	return 0;
}

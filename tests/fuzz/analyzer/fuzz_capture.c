/* A whole capture, from its bytes to the lines of its records: reading, defragmentation, flows,
 * tunnels, reassembly, recognition, printing. With little memory, so that flows are paged out; and
 * the records are the same whether packets were read again for them or flows were live. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "read/capture_reader.h"
#include "record/record_text.h"

/* The lines of all records, with trails and without. */
static struct buf said[2];

static void one(const struct record *r, const struct flow *f, struct buf *out)
{
	struct history_in h;

	history_of(r, f, &h);
	for (enum record_format format = RECORD_JSON; format <= RECORD_ECS; format++)
		if (record_text(format, r, h.bare, out))
			abort();
}

static bool read_it(const struct capture_reader_options *o, const uint8_t *data, size_t n,
		    struct record *r, struct buf *out)
{
	struct record_source src = {.sensor = "fuzz", .key = "k", .s3path = "p"};
	struct capture_reader_result res;
	struct capture_reader reader;
	const struct flow *f;
	struct capfile *c;
	char err[128];

	buf_reset(out);
	if (capfile_open_memory(data, n, &c, err, sizeof err))
		return false;
	int rc = capture_reader_open(&reader, o, c, r, &src);
	while (!rc && (rc = capture_reader_next(&reader, &f)) == 1) {
		one(r, f, out);
		rc = 0;
	}
	capture_reader_close(&reader, &res);
	if (rc || (res.rc && res.rc != -EBADMSG))
		abort();
	capfile_close(&c);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct record r;
	struct capture_reader_options o = {
		.flows = {.stream = {.max_bytes = 1 << 18, .window = 1 << 16},
			  .defrag = {.max_datagrams = 16, .max_bytes = 1 << 20},
			  .memory = 8 << 10,
			  .max_flows = 1000,
			  .page_dir = "/tmp"}};

	if (!r.memo) {
		buf_init(&said[0], 256 << 20);
		buf_init(&said[1], 256 << 20);
		if (record_init(&r, 1 << 18))
			abort();
	}
	if (!read_it(&o, data, n, &r, &said[0]))
		return 0;
	/* Where idle time matters there are no trails; nothing is idle for so long. */
	o.flows.idle_ns = UINT64_MAX;
	read_it(&o, data, n, &r, &said[1]);
	if (said[0].n != said[1].n || (said[0].n && memcmp(said[0].p, said[1].p, said[0].n) != 0))
		abort();
	return 0;
}

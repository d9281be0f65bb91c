#include "aws/lambda_out.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "cloud/retry.h"
#include "cloud/shorten.h"
#include "rt/loop.h"

#define RETRY_FIRST_NS (200 * NS_PER_MS)
#define RETRY_MAX_NS   (5 * NS_PER_S)

/* A line that waits, in `lines` behind this. */
struct head {
	int64_t init_s;
	uint64_t n;
};

struct lambda_out {
	struct lambda_out_conf conf;
	struct buf lines;
	size_t at, n; /* of lines: where the next one begins; how many there are from there on */
	struct logs *logs;
	bool sending;
	struct retry
		retry; /* nobody is told: whoever waits for it gives up when its time is over */
	struct attempts attempts;
};

static void send_more(void *arg);

static void on_delivered(void *arg, enum outcome r, const char *why, uint64_t wait_ns)
{
	struct lambda_out *o = arg;

	o->sending = false;
	if (r == OUTCOME_OK || r == OUTCOME_REFUSED) {
		if (r == OUTCOME_REFUSED)
			log_each(LOG_LEVEL_ERROR, "records refused by CloudWatch Logs",
				 "records=%zu error=\"%s\"", logs_gathered(o->logs), why);
		o->attempts.n = 0;
		retry_passed(&o->retry);
		logs_clear(o->logs);
		send_more(o);
		return;
	}
	const struct failure failure = {.outcome = r, .why = why, .wait_ns = wait_ns};
	log_warn("records not delivered, will be tried again", "error=\"%s\"", why);
	retry_failed(&o->retry, &o->attempts, &failure, clock_mono_ns(), retry_random());
	loop_at(o->conf.loop, o->attempts.at_ns, send_more, o);
}

int lambda_out_new(const struct lambda_out_conf *conf, struct lambda_out **out)
{
	struct lambda_out *o = calloc(1, sizeof *o);
	int rc = 0;

	if (!o)
		return -ENOMEM;
	o->conf = *conf;
	retry_init(&o->retry,
		   &(const struct retry_conf){.first_ns = RETRY_FIRST_NS, .max_ns = RETRY_MAX_NS},
		   NULL, NULL);
	buf_init(&o->lines, conf->limit);
	if (conf->group && *conf->group) {
		const struct logs_conf lc = {.group = conf->group,
					     .stream = conf->stream,
					     .region = conf->cloud->region,
					     .endpoint = conf->endpoint};
		rc = logs_new(conf->cloud->http, conf->cloud->creds, &lc, on_delivered, o,
			      &o->logs);
	}
	if (rc)
		lambda_out_free(&o);
	*out = o;
	return rc;
}

void lambda_out_free(struct lambda_out **op)
{
	struct lambda_out *o = *op;
	if (!o)
		return;
	loop_at(o->conf.loop, UINT64_MAX, send_more, o);
	logs_free(&o->logs);
	buf_fini(&o->lines);
	free(o);
	*op = NULL;
}

int lambda_out_put(struct lambda_out *o, struct bytes line, int64_t init_s)
{
	const struct head h = {.init_s = init_s, .n = line.n};
	size_t before = o->lines.n;

	buf_add(&o->lines, &h, sizeof h);
	int rc = buf_add(&o->lines, line.p, line.n);
	if (rc) {
		o->lines.n = before;
		o->lines.failed = false;
		o->lines.rc = 0;
		return rc;
	}
	o->n++;
	return 0;
}

static struct bytes line_at(const struct lambda_out *o, size_t *at, int64_t *init_s)
{
	struct head h;
	memcpy(&h, o->lines.p + *at, sizeof h);
	struct bytes line = bytes_of(o->lines.p + *at + sizeof h, (size_t)h.n);
	*at += sizeof h + line.n;
	*init_s = h.init_s;
	return line;
}

void lambda_out_back(struct lambda_out *o, size_t n)
{
	size_t at = o->at, keep = o->n > n ? o->n - n : 0;
	int64_t init_s;

	for (size_t i = 0; i < keep; i++)
		line_at(o, &at, &init_s);
	o->lines.n = at;
	o->n = keep;
}

size_t lambda_out_waiting(const struct lambda_out *o)
{
	return o->n + (o->logs ? logs_gathered(o->logs) : 0);
}

size_t lambda_out_bytes(const struct lambda_out *o)
{
	return o->lines.n - o->at;
}

static void emptied(struct lambda_out *o)
{
	buf_reset(&o->lines);
	o->at = o->n = 0;
}

/* The next batch; when there is none, all is out. */
static void send_more(void *arg)
{
	struct lambda_out *o = arg;
	int64_t init_s;

	if (o->sending)
		return;
	while (o->n) {
		size_t at = o->at;
		struct bytes line = line_at(o, &at, &init_s);
		enum logs_add took = logs_add(o->logs, line, NULL, init_s);
		if (took == LOGS_FULL)
			break;
		if (took == LOGS_LEFT)
			log_warn("record left out: CloudWatch Logs takes none of its time or size",
				 "init_ts=%lld bytes=%zu", (long long)init_s, line.n);
		o->at = at;
		o->n--;
	}
	if (!o->n)
		emptied(o);
	if (!logs_gathered(o->logs)) {
		o->conf.drained(o->conf.arg);
		return;
	}
	o->sending = true;
	o->attempts.n++;
	logs_send(o->logs);
}

/* One line a record; a log event has a limit, here as there. */
static int print(struct lambda_out *o)
{
	const size_t max = LOGS_EVENT_MAX - LOGS_EVENT_ADD;
	struct buf text;
	int64_t init_s;
	int rc = 0;

	buf_init(&text, (size_t)1 << 20);
	for (; !rc && o->n; o->n--) {
		struct bytes line = line_at(o, &o->at, &init_s);
		buf_reset(&text);
		if (line.n <= max)
			buf_add(&text, line.p, line.n);
		else if (record_shorten_text(line, max, &text) != 0)
			log_warn("record left out: it cannot be shortened to a log event",
				 "bytes=%zu", line.n);
		if (!text.n)
			continue;
		rc = buf_addc(&text, '\n');
		if (!rc)
			rc = fs_write_all(STDOUT_FILENO, text.p, text.n);
	}
	buf_fini(&text);
	emptied(o);
	return rc;
}

int lambda_out_send(struct lambda_out *o)
{
	if (o->logs) {
		send_more(o);
		return 0;
	}
	int rc = print(o);
	if (!rc)
		o->conf.drained(o->conf.arg);
	return rc;
}

size_t lambda_out_drop(struct lambda_out *o)
{
	size_t n = lambda_out_waiting(o);

	emptied(o);
	/* A delivery under way may succeed all the same: then these come twice. */
	if (o->logs && !o->sending)
		logs_clear(o->logs);
	loop_at(o->conf.loop, UINT64_MAX, send_more, o);
	return n;
}

/*
 * input_queue: capture files from the queue on this host, oldest first.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf.h"
#include "storage/observed.h"
#include "storage/spool.h"
#include "work/serve.h"

/* The longest turn before the loop serves others. */
#define TURN_NS (20 * NS_PER_MS)
#define SCAN_NS (2 * NS_PER_S)
/* A disk may fail to read once, or for good: after this many attempts, which take about 4 s, an
 * entry is set aside. */
#define READ_ATTEMPTS 5
/* Ticks between counts of the queue. */
#define COUNT_TICKS 10
#define COUNT_MAX   100000

struct input_queue {
	struct serve *serve;
	char destination[PATH_MAX + 16];
	struct observed observed;
	uint64_t retry_ns; /* the current wait; 0: none */
	unsigned unread;   /* attempts to read the current entry that the disk failed */
	unsigned ticks;
};

static void on_turn(void *arg);

static void resume(void *arg)
{
	struct input_queue *q = arg;

	loop_busy(q->serve->svc->loop, on_turn, q);
}

static void wake(void *arg)
{
	const struct input_queue *q = arg;

	if (!q->retry_ns)
		resume(arg);
}

/* back_off: something failed that time may mend. */
static void back_off(struct input_queue *q, const char *what, const char *key, int rc)
{
	struct loop *l = q->serve->svc->loop;

	q->serve->count[ANALYZER_RETRIES]++;
	q->retry_ns = !q->retry_ns                            ? SERVE_RETRY_FIRST_NS
		      : q->retry_ns * 2 < SERVE_RETRY_LAST_NS ? q->retry_ns * 2
							      : SERVE_RETRY_LAST_NS;
	log_warn(what, "key=%s error=\"%s\" wait_ms=%" PRIu64, key, strerror(-rc),
		 q->retry_ns / NS_PER_MS);
	loop_busy(l, NULL, NULL);
	loop_at(l, clock_mono_ns() + q->retry_ns, resume, q);
}

/* give_up_reading: whether an entry that the disk fails to give is set aside now; then 0, and it
 * takes hold. -EIO: it is tried again. */
static int give_up_reading(struct input_queue *q, const char *key, int hold)
{
	if (++q->unread < READ_ATTEMPTS) {
		if (hold >= 0)
			close(hold);
		return -EIO;
	}
	log_error("capture file cannot be read, set aside", "key=%s tries=%u error=\"%s\"", key,
		  q->unread, strerror(EIO));
	q->unread = 0;
	record_batch_entry(&q->serve->batch, key, hold, true, 0);
	return 0;
}

/* read_entry: one entry into the batch. 0, or -errno: nothing is done with it for now. */
static int read_entry(struct input_queue *q, const char *key)
{
	char s3path[sizeof q->destination + OBJECT_KEY_MAX], observed[OBSERVED_PAIR];
	struct record_source src = {
		.sensor = q->serve->svc->common.sensor, .key = key, .s3path = s3path};
	struct worker_result res;
	int fd;

	if (observed_of_key(&q->observed, key, observed))
		src.observed = observed;
	int rc = queue_get(q->serve->queue, key, &fd);
	if (rc)
		return rc == -ENOENT ? 0 : rc == -EIO ? give_up_reading(q, key, -1) : rc;
	/* The file's own descriptor is closed when it is read; the entry must stay until it is
	 * done. */
	int hold = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (hold < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	snprintf(s3path, sizeof s3path, "%s%s", q->destination, key);
	rc = serve_read(q->serve, fd, &src, &res);
	if (rc == -EIO && res.unreadable)
		return give_up_reading(q, key, hold);
	if (rc) {
		close(hold);
		return rc;
	}
	q->unread = 0;
	if (res.broken)
		log_warn("broken capture file", "key=%s records=%" PRIu64 " error=\"%s\"", key,
			 res.records, res.why);
	record_batch_entry(&q->serve->batch, key, hold, res.broken, res.outside);
	return 0;
}

/* on_turn: entries until the turn is over or the queue is at its end. */
static void on_turn(void *arg)
{
	struct input_queue *q = arg;
	struct serve *s = q->serve;
	uint64_t begin = clock_mono_ns();
	char key[OBJECT_KEY_MAX] = "";
	bool end = false;

	/* What failed before goes first. */
	int rc = serve_flush(s);
	while (!rc && !record_batch_is_full(&s->batch) && clock_mono_ns() - begin < TURN_NS) {
		rc = queue_next(s->queue, key);
		if (rc <= 0) {
			end = true;
			break;
		}
		rc = read_entry(q, key);
		if (rc) {
			back_off(q, "entry stays in the queue", key, rc);
			queue_rewind(s->queue);
			return;
		}
	}
	if (rc < 0) {
		back_off(q, "queue cannot be read", key, rc);
		return;
	}
	rc = serve_flush(s);
	if (rc) {
		back_off(q, "records cannot be written", "", rc);
		return;
	}
	q->retry_ns = 0;
	if (end)
		loop_busy(s->svc->loop, NULL, NULL);
}

static void on_flow(void *arg, const struct bus_msg *msg)
{
	(void)msg;
	wake(arg);
}

static int open_destination(struct input_queue *q)
{
	const char *given = q->serve->conf->destination;
	char objects[PATH_MAX];

	if (given) {
		snprintf(q->destination, sizeof q->destination, "%s", given);
		return 0;
	}
	int rc = svc_path(q->serve->svc, "objects", objects, sizeof objects);
	if (!rc && (size_t)snprintf(q->destination, sizeof q->destination, "file://%s/", objects) >=
			   sizeof q->destination)
		rc = -ENAMETOOLONG;
	return rc;
}

/* A flow arrives a minute after its first packet, so what is loaded once a second is known by then.
 */
static void load_observed(struct input_queue *q)
{
	const char *dir = q->serve->svc->common.state_dir;
	int rc = observed_load(&q->observed, dir);

	if (rc)
		log_warn("cannot read", "path=%s/observed error=\"%s\"", dir, strerror(-rc));
}

static int input_queue_start(struct serve *s, void **state)
{
	struct input_queue *q = calloc(1, sizeof *q);
	char path[PATH_MAX];

	*state = q;
	if (!q)
		return -ENOMEM;
	q->serve = s;
	int rc = open_destination(q);
	load_observed(q);
	if (!rc)
		rc = svc_path(s->svc, "spool", path, sizeof path);
	if (!rc)
		rc = queue_open(path, "analyzer", &s->queue);
	if (rc) {
		log_error("cannot open", "what=spool error=\"%s\"", strerror(-rc));
		return rc;
	}
	rc = svc_subscribe(s->svc, "flowagg", "flow", on_flow, q);
	if (!rc)
		rc = loop_every(s->svc->loop, SCAN_NS, wake, q);
	if (rc)
		log_error("loop", "error=\"%s\"", strerror(-rc));
	else
		resume(q);
	return rc;
}

static void input_queue_tick(void *state)
{
	struct input_queue *q = state;

	load_observed(q);
	if (q->ticks++ % COUNT_TICKS == 0)
		q->serve->count[ANALYZER_WAITING] = queue_count(q->serve->queue, COUNT_MAX);
}

static void input_queue_drain(void *state)
{
	struct input_queue *q = state;

	if (serve_flush(q->serve))
		log_warn("records in progress are not written",
			 "hint=\"their entries stay in the queue\"");
	queue_close(&q->serve->queue);
	observed_fini(&q->observed);
	free(q);
}

const struct input input_queue = {
	.start = input_queue_start, .tick = input_queue_tick, .drain = input_queue_drain};

/*
 * input_queue: capture files from the queue on this host, oldest first.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf.h"
#include "storage/observed.h"
#include "storage/spool.h"
#include "work/serve.h"

/* One turn of the loop works so long before others have theirs. */
#define TURN_NS (20u * 1000000)
#define SCAN_NS (UINT64_C(2) * 1000000000)
/* A disk may fail to read once, or for good: after so many tries, which take about 4 s, an entry is
 * set aside. */
#define READ_TRIES 5
/* Ticks between counts of the queue. */
#define COUNT_TICKS 10
#define COUNT_MAX   100000

static struct {
	char destination[PATH_MAX + 16];
	struct observed observed;
	uint64_t retry_ns; /* the wait that is on; 0: none */
	unsigned unread;   /* tries of the entry at hand that the disk failed */
	unsigned ticks;
} in;

static void turn(void *arg);

static void resume(void *arg)
{
	(void)arg;
	loop_busy(serve.svc->loop, turn, NULL);
}

static void wake(void *arg)
{
	if (!in.retry_ns)
		resume(arg);
}

/* rest: something failed that time may mend. */
static void rest(const char *what, const char *key, int rc)
{
	serve_values[M_RETRIES]++;
	in.retry_ns = !in.retry_ns                            ? SERVE_RETRY_FIRST_NS
		      : in.retry_ns * 2 < SERVE_RETRY_LAST_NS ? in.retry_ns * 2
							      : SERVE_RETRY_LAST_NS;
	log_warn(what, "key=%s error=\"%s\" wait_ms=%" PRIu64, key, strerror(-rc),
		 in.retry_ns / 1000000);
	loop_busy(serve.svc->loop, NULL, NULL);
	loop_at(serve.svc->loop, clock_mono_ns() + in.retry_ns, resume, NULL);
}

/* unreadable: the disk fails to give the entry. Takes hold; 0: it is to be set aside. */
static int unreadable(const char *key, int hold)
{
	if (++in.unread < READ_TRIES) {
		if (hold >= 0)
			close(hold);
		return -EIO;
	}
	log_error("capture file cannot be read, set aside", "key=%s tries=%u error=\"%s\"", key,
		  in.unread, strerror(EIO));
	in.unread = 0;
	record_batch_entry(&serve.batch, key, hold, true, 0);
	return 0;
}

/* analyse: one entry into the batch. 0, or -errno: nothing is done with it for now. */
static int analyse(const char *key)
{
	char s3path[sizeof in.destination + OBJECT_KEY_MAX], observed[OBSERVED_PAIR];
	struct record_source src = {
		.sensor = serve.svc->common.sensor, .key = key, .s3path = s3path};
	struct worker_result res;
	int fd;

	if (observed_of_key(&in.observed, key, observed))
		src.observed = observed;
	int rc = queue_get(serve.queue, key, &fd);
	if (rc)
		return rc == -ENOENT ? 0 : rc == -EIO ? unreadable(key, -1) : rc;
	/* The file's own descriptor is closed when it is read; the entry must stay until it is
	 * done. */
	int hold = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (hold < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	snprintf(s3path, sizeof s3path, "%s%s", in.destination, key);
	rc = serve_read(fd, &src, &res);
	if (rc == -EIO && res.unreadable)
		return unreadable(key, hold);
	if (rc) {
		close(hold);
		return rc;
	}
	in.unread = 0;
	if (res.broken)
		log_warn("broken capture file", "key=%s records=%" PRIu64 " error=\"%s\"", key,
			 res.records, res.why);
	record_batch_entry(&serve.batch, key, hold, res.broken, res.outside);
	return 0;
}

/* turn: entries until the time is over or the queue is at its end. */
static void turn(void *arg)
{
	uint64_t begin = clock_mono_ns();
	char key[OBJECT_KEY_MAX] = "";
	bool end = false;

	(void)arg;
	/* What failed before goes first. */
	int rc = serve_flush();
	while (!rc && !record_batch_is_full(&serve.batch) && clock_mono_ns() - begin < TURN_NS) {
		rc = queue_next(serve.queue, key);
		if (rc <= 0) {
			end = true;
			break;
		}
		rc = analyse(key);
		if (rc) {
			rest("entry stays in the queue", key, rc);
			queue_rewind(serve.queue);
			return;
		}
	}
	if (rc < 0) {
		rest("queue cannot be read", key, rc);
		return;
	}
	rc = serve_flush();
	if (rc) {
		rest("records cannot be written", "", rc);
		return;
	}
	in.retry_ns = 0;
	if (end)
		loop_busy(serve.svc->loop, NULL, NULL);
}

static void on_flow(void *arg, const struct bus_msg *msg)
{
	(void)msg;
	wake(arg);
}

static int open_destination(const struct svc *s)
{
	char objects[PATH_MAX];

	if (settings.destination) {
		snprintf(in.destination, sizeof in.destination, "%s", settings.destination);
		return 0;
	}
	int rc = svc_path(s, "objects", objects, sizeof objects);
	if (!rc && (size_t)snprintf(in.destination, sizeof in.destination, "file://%s/", objects) >=
			   sizeof in.destination)
		rc = -ENAMETOOLONG;
	return rc;
}

/* Flows come a minute after their first packet: what is looked for each second is known in time. */
static void load_observed(void)
{
	int rc = observed_load(&in.observed, serve.svc->common.state_dir);
	if (rc)
		log_warn("cannot read", "path=%s/observed error=\"%s\"",
			 serve.svc->common.state_dir, strerror(-rc));
}

static int start(struct svc *s)
{
	char path[PATH_MAX];

	int rc = open_destination(s);
	load_observed();
	if (!rc)
		rc = svc_path(s, "spool", path, sizeof path);
	if (!rc)
		rc = queue_open(path, "analyzer", &serve.queue);
	if (rc) {
		log_error("cannot open", "what=spool error=\"%s\"", strerror(-rc));
		return rc;
	}
	rc = svc_subscribe(s, "flowagg", "flow", on_flow, NULL);
	if (!rc)
		rc = loop_every(s->loop, SCAN_NS, wake, NULL);
	if (rc)
		log_error("loop", "error=\"%s\"", strerror(-rc));
	else
		resume(NULL);
	return rc;
}

static void tick(void)
{
	load_observed();
	if (in.ticks++ % COUNT_TICKS == 0)
		serve_values[M_WAITING] = queue_count(serve.queue, COUNT_MAX);
}

static void drain(void)
{
	if (serve_flush())
		log_warn("records at hand are not written",
			 "hint=\"their entries stay in the queue\"");
	queue_close(&serve.queue);
	observed_fini(&in.observed);
}

const struct input input_queue = {.start = start, .tick = tick, .drain = drain};

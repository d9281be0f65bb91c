#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "capture/capture.h"
#include "rt/svc.h"

/* How often a feed that had to wait is tried again. */
#define LATER_NS (10 * NS_PER_MS)

int offline_open(struct capture *c)
{
	char err[256] = "";
	struct feed_options o = {c->conf.file, c->conf.pace, c->conf.journal_total, c->conf.filter,
				 c->journal_dir};

	int rc = feed_open(&o, &c->feed, err, sizeof err);
	if (rc)
		log_error("capture file", "path=\"%s\" error=\"%s\"", c->conf.file,
			  err[0] ? err : strerror(-rc));
	return rc;
}

static void offline_on_feed(void *arg)
{
	struct capture *c = arg;

	switch (feed_step(c->feed, &c->out, clock_mono_ns())) {
	case FEED_MORE:
		break;
	case FEED_LATER:
		loop_busy(c->svc->loop, NULL, NULL); /* until offline_on_later */
		break;
	case FEED_BROKEN:
		log_error("capture file is broken", "path=\"%s\" error=\"%s\"", c->conf.file,
			  feed_error(c->feed));
		c->svc->exit_code = 1;
		/* fallthrough */
	case FEED_END:
		if (c->conf.end_gap_s && feed_last_ns(c->feed))
			outlet_tick(&c->out,
				    feed_last_ns(c->feed) + (uint64_t)c->conf.end_gap_s * NS_PER_S);
		loop_stop(c->svc->loop);
		break;
	}
	c->count[CAPTURE_WAITING] = feed_waiting(c->feed);
}

static void offline_on_later(void *arg)
{
	struct capture *c = arg;

	loop_busy(c->svc->loop, offline_on_feed, c);
}

int offline_start(struct capture *c)
{
	log_info("reading", "path=\"%s\" next=%" PRIu64, c->conf.file,
		 c->count[CAPTURE_FIRST_NUMBER]);
	loop_every(c->svc->loop, LATER_NS, offline_on_later, c);
	loop_busy(c->svc->loop, offline_on_feed, c);
	return 0;
}

/*
 * lurker-flowagg: packets become flows, flows become files in the spool.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "flowagg/flowagg.h"
#include "rt/svc.h"

static const struct metric metrics[] = {
#define COUNT METRIC_ROW
#include "flowagg/counts.def"
};

static int flowagg_check(struct svc *s)
{
	struct flowagg *f = s->state;

	int rc = conf_check(&f->conf);
	return rc ? rc : conf_home(&f->conf, &f->home);
}

static void flowagg_on_step(void *arg)
{
	struct flowagg *f = arg;

	if (!journal_follow_step(&f->follow))
		loop_busy(f->svc->loop, NULL, NULL);
}

static void flowagg_follow_up(struct flowagg *f)
{
	if (journal_follow_catching_up(&f->follow))
		loop_busy(f->svc->loop, flowagg_on_step, f);
}

static void flowagg_on_message(void *arg, const struct bus_msg *bm)
{
	struct flowagg *f = arg;

	if (journal_follow_message(&f->follow, bm->body))
		return;
	flowagg_follow_up(f);
	save_if_due(&f->saver);
}

/* capture writes the file at its start; home_networks of the operator wins over it. */
static void flowagg_refresh_home(struct flowagg *f)
{
	struct stat st;
	char path[4096];

	if (f->conf.home_networks.n || svc_path(f->svc, "capture.home", path, sizeof path) ||
	    stat(path, &st) < 0 || st.st_ino == f->home_inode)
		return;
	f->home_inode = st.st_ino;
	int rc = home_load(&f->home, path);
	if (rc)
		log_error("own networks cannot be read", "path=%s error=\"%s\"", path,
			  strerror(-rc));
	else
		log_info("own networks", "count=%zu", f->home.n);
}

static int flowagg_start(struct svc *s)
{
	struct flowagg *f = s->state;

	int rc = flowagg_begin(f, s);
	if (rc)
		return rc;
	flowagg_refresh_home(f);
	flowagg_follow_up(f);
	return svc_subscribe(s, "capture", "packet", flowagg_on_message, f);
}

/* Alerts once when the spool fills, and once when it has room again. */
static void flowagg_watch_spool(struct flowagg *f)
{
	switch (spool_watch_look(&f->spool_watch, f->count, clock_mono_ns())) {
	case SPOOL_FILLED:
		svc_trouble(f->svc, "spool", true, false,
			    "The spool is full: its oldest bundles go, and new files when no "
			    "bundle is left.");
		break;
	case SPOOL_RELIEVED:
		svc_trouble(f->svc, "spool", false, false, "The spool has room again.");
		break;
	case SPOOL_STAYS:
		break;
	}
}

/* Files whose bytes may not be on disk are made again from the last checkpoint and the journal,
 * which hold all their packets. A restart by the supervisor does that. Until then no commit
 * succeeds, so the checkpoint is not overwritten. */
static void flowagg_leave_if_lost(struct flowagg *f)
{
	if (!spool_is_lost(f->deliver.spool) || f->svc->exit_code)
		return;
	log_error("files could not be flushed, ending", "hint=\"the next start makes them again\"");
	f->svc->exit_code = 1;
	loop_stop(f->svc->loop);
}

static void flowagg_tick(struct svc *s)
{
	struct flowagg *f = s->state;

	if (!f->ready)
		return; /* the last one, after drain */
	flowagg_leave_if_lost(f);
	flowagg_refresh_home(f);
	source_idle(&f->follow.source);
	/* A commit that failed is tried again, and then the packets that wait in the journal. A
	 * checkpoint may be due although no packet comes. */
	deliver_commit(&f->deliver);
	flowagg_follow_up(f);
	save_if_due(&f->saver);
	flowagg_leave_if_lost(f);
	flowagg_watch_spool(f);
	flowagg_fill(f);
}

static void flowagg_drain(struct svc *s)
{
	struct flowagg *f = s->state;

	if (!f->ready)
		return;
	/* Flows stay open: the next run goes on with them. */
	save_now(&f->saver);
	flowagg_fill(f);
	log_info("ended",
		 "next=%" PRIu64 " packets=%" PRIu64 " flows_open=%" PRIu32
		 " files_delivered=%" PRIu64,
		 f->follow.source.next, f->count[FLOWAGG_PACKETS], f->agg.table.used,
		 f->count[FLOWAGG_FILES_DELIVERED]);
	flowagg_end(f);
}

int main(int argc, char **argv)
{
	static const char *const calls[] = {"flock", "syncfs", NULL};
	static struct flowagg flowagg = {.lock = -1};
	static const struct svc_desc desc = {
		.name = "flowagg",
		.most_in = 128, /* batches of packets, which are in the journal */
		.details =
			"Reads    packet messages of capture, and STATE_DIR/journal for what they "
			"lack.\n"
			"Writes   STATE_DIR/spool/queue/CONSUMER/KEY, one link a consumer: one "
			"pcap a flow, and one\n"
			"         bundle a minute for flows whose initiator sent nothing;\n"
			"         STATE_DIR/flowagg.checkpoint, flowagg.seals and "
			"flowagg.evicted;\n"
			"         RUN_DIR/flowagg.sock: topics flow, stat, alert.\n"
			"Needs    no privilege; capture's journal on the same machine. SIGTERM "
			"saves open flows, it does\n"
			"         not seal them.\n"
			"Prints   log lines on standard error, nothing else.",
		.opts = conf_opts,
		.conf = &flowagg.conf,
		.state = &flowagg,
		.endpoint = &flowagg.conf.endpoint,
		.metrics = metrics,
		.nmetrics = FLOWAGG_COUNTS,
		.values = flowagg.count,
		.calls = calls,
		.check = flowagg_check,
		.start = flowagg_start,
		.tick = flowagg_tick,
		.drain = flowagg_drain,
	};
	return svc_main(&desc, argc, argv);
}

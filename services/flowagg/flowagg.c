#include "flowagg/flowagg.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "flowagg/restore.h"
#include "rt/svc.h"

static int flowagg_lock_state(struct flowagg *f)
{
	char path[4096];

	int rc = svc_path(f->svc, "flowagg.lock", path, sizeof path);
	if (rc)
		return rc;
	f->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (f->lock < 0)
		return -errno;
	return flock(f->lock, LOCK_EX | LOCK_NB) < 0 ? -EBUSY : 0;
}

static int flowagg_open_spool(struct flowagg *f, uint64_t next_seal)
{
	char spool_dir[4096], log_path[4096];

	if (svc_path(f->svc, "flowagg.seals", log_path, sizeof log_path) ||
	    svc_path(f->svc, "flowagg.evicted", f->evicted, sizeof f->evicted) ||
	    svc_path(f->svc, "spool", spool_dir, sizeof spool_dir))
		return -ENAMETOOLONG;
	struct deliver_options o = {
		.spool_dir = spool_dir,
		.log_path = log_path,
		.evicted_path = f->evicted,
		.journal_dir = f->journal_dir,
		.sensor = f->svc->common.sensor,
		.consumers = (const char *const *)f->conf.consumers.v,
		.nconsumers = f->conf.consumers.n,
		.limits = {f->conf.spool_max_bytes, (uint64_t)f->conf.spool_max_files},
		.from = next_seal,
	};
	int rc = deliver_init(&f->deliver, &o, f->svc->bus, f->count);
	if (rc)
		log_error("spool", "path=%s error=\"%s\"", spool_dir, strerror(-rc));
	return rc;
}

/* The state of the last run, or a new one; in both cases a checkpoint is on disk before the first
 * packet. */
static int flowagg_restore_state(struct flowagg *f, const struct restore_point *point)
{
	struct agg_limits limits = conf_limits(&f->conf, &f->home);
	bool fresh;

	int rc = restore_agg(&restore_disk, f->checkpoint, f->journal_dir, point, &limits,
			     deliver_seal, &f->deliver, &f->agg, &fresh);
	if (rc) {
		log_error("flow table", "error=\"%s\"", strerror(-rc));
		return rc;
	}
	f->saver = (struct saver){
		.checkpoint = f->checkpoint,
		.journal_dir = f->journal_dir,
		.agg = &f->agg,
		.deliver = &f->deliver,
		.totals = &f->totals,
		.count = f->count,
		.every_ns = (uint64_t)f->conf.checkpoint_s * NS_PER_S,
		.every_bytes = f->conf.checkpoint_bytes,
	};
	totals_begin(&f->totals, &f->agg);
	if (!fresh)
		return 0;
	if (f->agg.next)
		totals_number_from(&f->totals, &f->agg, f->count, f->agg.next);
	save_now(&f->saver);
	return 0;
}

static void flowagg_to_bus(void *arg, const struct msg_alert *alert)
{
	svc_alert(arg, alert);
}

static int flowagg_start_following(struct flowagg *f)
{
	f->follow.agg = &f->agg;
	f->follow.deliver = &f->deliver;
	f->follow.totals = &f->totals;
	f->follow.saver = &f->saver;
	f->follow.count = f->count;
	f->follow.alert = flowagg_to_bus;
	f->follow.arg = f->svc;
	int rc = journal_follow_init(&f->follow, f->journal_dir);
	if (rc)
		log_error("journal", "path=%s error=\"%s\"", f->journal_dir, strerror(-rc));
	return rc;
}

int flowagg_begin(struct flowagg *f, struct svc *s)
{
	struct restore_point point;

	f->svc = s;
	int rc = flowagg_lock_state(f);
	if (rc) {
		log_error("state", "error=\"%s\"",
			  rc == -EBUSY ? "another flowagg is running on it" : strerror(-rc));
		return rc;
	}
	if (svc_path(s, "journal", f->journal_dir, sizeof f->journal_dir) ||
	    svc_path(s, "flowagg.checkpoint", f->checkpoint, sizeof f->checkpoint))
		return -ENAMETOOLONG;
	rc = restore_find(&restore_disk, f->checkpoint, &point);
	if (!rc)
		rc = flowagg_open_spool(f, point.next_seal);
	if (!rc)
		rc = flowagg_restore_state(f, &point);
	if (!rc)
		rc = flowagg_start_following(f);
	if (rc)
		return rc;
	f->ready = true;
	f->saver.saved_ns = clock_mono_ns();
	return 0;
}

void flowagg_end(struct flowagg *f)
{
	f->ready = false;
	journal_follow_fini(&f->follow);
	deliver_fini(&f->deliver);
	agg_fini(&f->agg);
	close(f->lock);
}

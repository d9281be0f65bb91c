#include "capture/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "rt/svc.h"

static void capture_to_flusher(void *arg, int fd)
{
	struct capture *c = arg;

	flusher_take(c->flusher, fd);
}

static int capture_open_state(struct capture *c)
{
	char path[4096];
	bool broken;

	int rc = svc_path(c->svc, "capture.state", path, sizeof path);
	if (!rc)
		rc = capture_state_open(path, &c->state, &broken, &c->state_fd);
	if (rc)
		log_error("state", "path=%s error=\"%s\"", path,
			  rc == -EBUSY ? "another capture is running on it" : strerror(-rc));
	else if (broken)
		log_warn("state is broken and begins anew", "path=%s", path);
	return rc;
}

/* Without the file, flowagg keeps the host's own flows too. */
static void capture_write_home(struct capture *c)
{
	char path[4096];

	int rc = svc_path(c->svc, "capture.home", path, sizeof path);
	if (!rc)
		rc = home_save(&c->home, path);
	if (rc)
		log_error("own networks cannot be written", "path=%s error=\"%s\"", path,
			  strerror(-rc));
}

static int capture_open_journal(struct capture *c, struct journal **out)
{
	struct journal_limits limits = {c->conf.journal_segment, c->conf.journal_total, "flowagg"};

	int rc = journal_open(c->journal_dir, limits, c->state.next, out);
	if (rc) {
		log_error("journal", "path=%s error=\"%s\"", c->journal_dir, strerror(-rc));
		return rc;
	}
	uint64_t damaged = journal_use(*out).set_aside;
	if (damaged)
		log_warn("the journal's newest file is damaged",
			 "path=%s bytes=%" PRIu64
			 " hint=\"what is behind the damage is kept in a file .bad; its packets "
			 "are a gap\"",
			 c->journal_dir, damaged);
	return 0;
}

int capture_begin(struct capture *c)
{
	struct journal *journal = NULL;

	int rc = capture_open_state(c);
	if (rc)
		return rc;
	capture_write_home(c);
	rc = capture_open_journal(c, &journal);
	if (rc)
		return rc;
	rc = flusher_new(&c->flusher);
	if (!rc) {
		journal_on_flush(journal, capture_to_flusher, c);
		rc = outlet_init(&c->out, &journal, c->svc->bus, c->count);
	}
	if (rc) {
		journal_close(&journal);
		return rc;
	}
	c->count[CAPTURE_FIRST_NUMBER] = journal_next_number(c->out.journal);
	return 0;
}

void capture_save_state(struct capture *c, bool clean)
{
	struct capture_state *st = &c->state;

	st->clean = clean;
	st->next = journal_next_number(c->out.journal);
	if (c->out.alive_ns)
		st->alive_ns = c->out.alive_ns;
	if (c->ring) {
		iface_counters(c->interface, &st->rx_packets, &st->tx_packets);
		strcpy(st->interface, c->interface);
	} else {
		st->interface[0] = '\0';
	}
	int rc = capture_state_save(c->state_fd, st);
	if (rc && !c->unsaved)
		log_error("state cannot be written", "error=\"%s\"", strerror(-rc));
	c->unsaved = rc != 0;
}

void capture_fill(struct capture *c)
{
	struct journal_use use = journal_use(c->out.journal);
	uint64_t *m = c->count;

	m[CAPTURE_JOURNAL_BYTES] = use.bytes;
	m[CAPTURE_JOURNAL_SEGMENTS] = use.segments;
	m[CAPTURE_JOURNAL_REMOVED] = use.removed;
	m[CAPTURE_JOURNAL_REMOVED_UNREAD] = use.removed_unread;
	m[CAPTURE_NEXT_NUMBER] = journal_next_number(c->out.journal);
	if (c->ring) {
		struct ring_counts counts = ring_counts(c->ring);
		m[CAPTURE_KERNEL_PACKETS] = counts.packets;
		m[CAPTURE_DROPPED_KERNEL] = counts.dropped;
		m[CAPTURE_DROPPED_INTERFACE] = counts.if_dropped;
		m[CAPTURE_RING_BYTES] = c->conf.ring;
	}
}

void capture_end(struct capture *c)
{
	outlet_fini(&c->out);
	flusher_free(&c->flusher);
	ring_close(&c->ring);
	feed_close(&c->feed);
	close(c->state_fd);
}

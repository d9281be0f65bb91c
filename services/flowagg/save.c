#include "flowagg/save.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "flowagg/ckfile.h"
#include "flowagg/flowagg_count.h"
#include "pkt/capfile.h"
#include "storage/journal.h"

void save_took(struct saver *s, uint32_t caplen, uint32_t len)
{
	s->unsaved_bytes += PCAP_RECORD_HEADER + caplen;
	s->unsaved_packets += len != 0;
}

static int save_checkpoint(struct saver *s)
{
	/* A checkpoint does not hold seals that are not in the queues yet, so they must be
	 * delivered first. */
	int rc = deliver_commit(s->deliver);

	totals_sum(s->totals, s->agg, s->count);
	/* The packets taken in must be on disk in the journal. Otherwise, after a power loss,
	 * capture would give their numbers to other packets, which flowagg would take for known
	 * ones. */
	if (!rc)
		rc = journal_flush(s->journal_dir);
	return rc ? rc : ckfile_save(s->checkpoint, s->agg);
}

void save_now(struct saver *s)
{
	int rc = save_checkpoint(s);

	s->saved_ns = clock_mono_ns();
	if (rc && rc != s->error)
		log_error("checkpoint not written", "path=%s error=\"%s\"", s->checkpoint,
			  strerror(-rc));
	s->error = rc;
	if (rc) {
		s->count[FLOWAGG_CHECKPOINT_ERRORS]++;
		return;
	}
	s->count[FLOWAGG_CHECKPOINTS]++;
	s->unsaved_bytes = s->unsaved_packets = 0;
	seallog_restart(&s->deliver->log, s->agg->next_seal);
	rc = journal_mark_set(s->journal_dir, "flowagg", s->agg->next);
	if (rc && rc != -ENOENT)
		log_warn("journal mark not written", "error=\"%s\"", strerror(-rc));
}

void save_if_due(struct saver *s)
{
	if (!s->unsaved_packets)
		return;
	if (s->unsaved_bytes >= s->every_bytes || s->deliver->log.n >= SEALLOG_MAX ||
	    clock_mono_ns() - s->saved_ns >= s->every_ns)
		save_now(s);
}

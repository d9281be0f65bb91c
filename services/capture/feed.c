#include "capture/feed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <pcap/pcap.h>

#include "pkt/capfile.h"
#include "pkt/linktype.h"

/* flowagg's mark is read again after this many bytes. */
#define MARK_EVERY (1u << 20)

struct feed {
	struct capfile *file;
	struct feed_options o;
	struct capfile_packet held; /* read, not fed: it is not due yet */
	bool holding, begun, waiting;
	struct bpf_program filter; /* for packets of link type filter_link; -1: none yet */
	int filter_link;
	char error[256]; /* of the filter */
	uint64_t first_ns, begun_ns, last_ns;
	uint64_t since_mark; /* bytes fed since the mark was read */
};

int feed_open(const struct feed_options *o, struct feed **out, char *err, size_t errlen)
{
	struct feed *f = calloc(1, sizeof *f);

	if (!f)
		return -ENOMEM;
	f->o = *o;
	f->since_mark = MARK_EVERY;
	f->filter_link = -1;
	int rc = capfile_open(o->path, &f->file, err, errlen);
	if (rc)
		free(f);
	else
		*out = f;
	return rc;
}

void feed_close(struct feed **f)
{
	if (!*f)
		return;
	capfile_close(&(*f)->file);
	if ((*f)->filter_link >= 0)
		pcap_freecode(&(*f)->filter);
	free(*f);
	*f = NULL;
}

/* Whether flowagg is so far behind that the journal could delete packets it has not taken in. The
 * threshold is half of the journal's limit, because flowagg sets its mark every quarter. */
static bool feed_behind(struct feed *f, struct outlet *o)
{
	uint64_t mark;

	if (f->since_mark < MARK_EVERY && !f->waiting)
		return false;
	f->since_mark = 0;
	/* Without a mark, no flowagg has run yet; it will start at the oldest packet. */
	if (journal_mark_get(f->o.journal_dir, "flowagg", &mark) != 0)
		mark = 0;
	f->waiting = journal_bytes_after(o->journal, mark) > f->o.journal_bytes / 2;
	return f->waiting;
}

static bool feed_due(struct feed *f, uint64_t ts_ns, uint64_t now_ns)
{
	if (!f->o.pace)
		return true;
	if (!f->begun) {
		f->begun = true;
		f->first_ns = ts_ns;
		f->begun_ns = now_ns;
	}
	return ts_ns <= f->first_ns ||
	       (ts_ns - f->first_ns) / (uint64_t)f->o.pace <= now_ns - f->begun_ns;
}

static int feed_compile(struct feed *f, int linktype)
{
	if (f->filter_link >= 0)
		pcap_freecode(&f->filter);
	f->filter_link = -1;
	pcap_t *p = pcap_open_dead(linktype_dlt(linktype), CAPFILE_MAX_PACKET);
	if (!p)
		return -ENOMEM;
	int rc = pcap_compile(p, &f->filter, f->o.filter, 1, PCAP_NETMASK_UNKNOWN);
	if (rc < 0)
		snprintf(f->error, sizeof f->error, "filter: %s", pcap_geterr(p));
	else
		f->filter_link = linktype;
	pcap_close(p);
	return rc < 0 ? -EINVAL : 0;
}

/* Reads the next packet that passes the filter into held. 1; 0 at the end; -errno. */
static int feed_next(struct feed *f)
{
	struct pcap_pkthdr h;
	int rc;

	while ((rc = capfile_next(f->file, &f->held)) > 0 && f->o.filter && *f->o.filter) {
		if (f->held.linktype != f->filter_link &&
		    (rc = feed_compile(f, f->held.linktype)) < 0)
			return rc;
		h = (struct pcap_pkthdr){.caplen = f->held.caplen, .len = f->held.len};
		if (pcap_offline_filter(&f->filter, &h, f->held.data))
			return 1;
	}
	return rc;
}

enum feed_state feed_step(struct feed *f, struct outlet *o, uint64_t now_ns)
{
	enum feed_state state = FEED_MORE;

	if (feed_behind(f, o))
		return FEED_LATER;
	for (int i = 0; i < JOURNAL_BATCH; i++) {
		if (!f->holding) {
			int rc = feed_next(f);
			if (rc <= 0) {
				state = rc ? FEED_BROKEN : FEED_END;
				break;
			}
			f->holding = true;
		}
		if (!feed_due(f, f->held.ts_ns, now_ns)) {
			state = FEED_LATER;
			break;
		}
		f->holding = false;
		if (f->held.ts_ns > f->last_ns)
			f->last_ns = f->held.ts_ns;
		f->since_mark += f->held.caplen + PCAP_RECORD_HEADER;
		outlet_packet(o, f->held.linktype, f->held.ts_ns, f->held.caplen, f->held.len,
			      f->held.data);
	}
	outlet_flush(o);
	return state;
}

bool feed_waiting(const struct feed *f)
{
	return f->waiting;
}

uint64_t feed_last_ns(const struct feed *f)
{
	return f->last_ns;
}

const char *feed_error(const struct feed *f)
{
	return f->error[0] ? f->error : capfile_error(f->file);
}

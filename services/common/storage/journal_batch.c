#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/capfile.h"
#include "storage/journal.h"

int journal_batch_new(int linktype, struct journal_batch **out)
{
	struct journal_batch *b = calloc(1, sizeof *b);

	if (!b)
		return -ENOMEM;
	b->p = malloc(JOURNAL_BATCH_BYTES);
	if (!b->p) {
		free(b);
		return -ENOMEM;
	}
	b->linktype = linktype;
	*out = b;
	return 0;
}

void journal_batch_free(struct journal_batch **b)
{
	if (!*b)
		return;
	free((*b)->p);
	free(*b);
	*b = NULL;
}

void journal_batch_reset(struct journal_batch *b)
{
	b->bytes = 0;
	b->n = 0;
}

int journal_batch_add(struct journal_batch *b, uint64_t ts_ns, uint32_t caplen, uint32_t len,
		      const uint8_t *data)
{
	if (caplen > CAPFILE_MAX_PACKET)
		return -EMSGSIZE;
	if (b->n == JOURNAL_BATCH || JOURNAL_BATCH_BYTES - b->bytes < PCAP_RECORD_HEADER + caplen)
		return -ENOBUFS;
	if (len < caplen)
		len = caplen;
	struct journal_rec *r = &b->rec[b->n];
	pcap_put_record(b->p + b->bytes, ts_ns, caplen, len);
	b->bytes += PCAP_RECORD_HEADER;
	*r = (struct journal_rec){ts_ns, caplen, len, b->bytes};
	if (caplen)
		memcpy(b->p + b->bytes, data, caplen);
	b->bytes += caplen;
	b->n++;
	return 0;
}

int journal_batch_tick(struct journal_batch *b, uint64_t ts_ns)
{
	/* 16 zero bytes are no record. */
	return journal_batch_add(b, ts_ns ? ts_ns : 1, 0, 0, NULL);
}

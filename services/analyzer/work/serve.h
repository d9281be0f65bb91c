/*
 * serve: lurker-analyzer as a service: records into the file, then onto the bus.
 *
 * Where capture files come from is a way in: the queue of sealed files on this host, or messages of
 * SQS.
 */
#ifndef ANALYZER_SERVE_H
#define ANALYZER_SERVE_H

#include "rt/svc.h"
#include "work/record_batch.h"
#include "work/worker.h"

extern const struct metric serve_metrics[];
extern const size_t serve_nmetrics;
extern uint64_t serve_values[];

int serve_start(struct svc *s);
void serve_tick(struct svc *s);
void serve_drain(struct svc *s);

/* For the ways in. */

enum serve_metric {
	M_ENTRIES,
	M_RECORDS,
	M_BYTES,
	M_PACKETS,
	M_PAGED_OUT,
	M_PUBLISHED_CUT,
	M_SET_ASIDE,
	M_RETRIES,
	M_STUCK,
	M_TURNED_AWAY,
	M_UNDECODED,
	M_OUTSIDE,
	M_FRAGMENTS,
	M_UNFINISHED,
	M_NOT_PUBLISHED,
	M_CLASSES,
	M_CLASSES_EVICTED,
	M_WAITING,
	M_REPEATED,
	M_SQS_RECEIVED,
	M_SQS_FINISHED,
	M_SQS_LEFT,
	M_SQS_IGNORED,
	M_SQS_IN_HAND,
	M_SQS_RETRIES,
	M_SQS_STUCK,
	M_SQS_ERRORS,
	M_SQS_EXTENDED,
	M_SQS_EXPIRED,
	M_SQS_GIVEN_BACK,
	M_COUNT
};

struct input {
	/* After records and desk are open. 0 or -errno, logged. */
	int (*start)(struct svc *s);
	void (*tick)(void); /* its own values */
	/* Finishes what is at hand; serve_flush may be called. */
	void (*drain)(void);
};
extern const struct input input_queue, input_sqs;

struct serve {
	struct svc *svc;
	const struct input *input;
	struct records *records;
	struct queue *queue; /* of the batch's entries; NULL: it has none */
	struct worker worker;
	struct record_batch batch;
	struct record_batch_counts counts;
};
extern struct serve serve;

/* serve_read: worker_read into the batch. When it fails nothing of the file is in the batch. */
int serve_read(int fd, struct record_source *src, struct worker_result *res);

/* serve_flush: what is in the batch is in the file and published, or -errno: call again later. */
int serve_flush(void);

/* Waits after failures that time may mend: the first one, doubled up to the last. */
#define SERVE_RETRY_FIRST_NS (UINT64_C(1000000000) / 4)
#define SERVE_RETRY_LAST_NS  (UINT64_C(1000000000) * 30)

#endif

/*
 * serve: lurker-analyzer as a service: records into the file, then onto the bus.
 *
 * Where capture files come from is an input: the queue of sealed files on this host, or the
 * messages of an SQS queue.
 */
#ifndef ANALYZER_SERVE_H
#define ANALYZER_SERVE_H

#include <limits.h>

#include "base/clock.h"
#include "rt/svc.h"
#include "storage/ledger.h"
#include "work/record_batch.h"
#include "work/worker.h"

struct conf;
struct serve;

enum analyzer_count {
#define COUNT(id, name, kind, unit, help) ANALYZER_##id,
#include "analyzer/counts.def"
#undef COUNT
	ANALYZER_COUNTS
};

struct input {
	/* Called when records and worker are open; makes the input's own state. 0, or -errno,
	 * logged: the service ends. */
	int (*start)(struct serve *s, void **state);
	/* Refreshes its own gauges. */
	void (*tick)(void *state);
	/* Finishes what is in progress (serve_flush may be called) and frees the state. */
	void (*drain)(void *state);
};
extern const struct input input_queue, input_sqs;

struct serve {
	struct svc *svc;
	const struct conf *conf;
	const struct input *input;
	void *input_state;
	struct records *records; /* NULL: not open */
	struct queue *queue;     /* of the batch's entries; NULL: it has none */
	struct worker worker;
	struct record_batch batch;
	struct record_batch_counts batch_counts;
	struct ledger outside; /* packets that count in no record */
	uint64_t count[ANALYZER_COUNTS];
	char seen_path[PATH_MAX], page_dir[PATH_MAX], outside_path[PATH_MAX];
};

/* serve_start: opens everything and starts the input. s is zeroed but for conf and input. 0 or
 * -errno, logged. */
int serve_start(struct serve *s, struct svc *svc);
void serve_tick(struct serve *s);
void serve_drain(struct serve *s);

/* For the inputs. */

/* serve_read: the records of a capture file into the batch, which is flushed when it has enough and
 * another record comes. Takes the descriptor. 0, also for a broken file; -errno: the file is to be
 * read again, and nothing of it is in the batch. */
int serve_read(struct serve *s, int fd, struct record_source *src, struct worker_result *res);

/* serve_flush: all that is in the batch is on disk and published, or -errno: call again later. */
int serve_flush(struct serve *s);

/* Waits after failures that time may mend: the first one, doubled up to the last. */
#define SERVE_RETRY_FIRST_NS (NS_PER_S / 4)
#define SERVE_RETRY_LAST_NS  (NS_PER_S * 30)

#endif

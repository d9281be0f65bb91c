/*
 * uploader: the service: its state, and what it does from the check to the drain. The callbacks are
 * those of svc_desc; s->state is a struct uploader.
 */
#ifndef UPLOADER_UPLOADER_H
#define UPLOADER_UPLOADER_H

#include "conf.h"
#include "rt/svc.h"
#include "storage/observed.h"
#include "store_dir.h"
#include "stored_ledger.h"
#include "uploader_count.h"
#include "work.h"

struct uploader {
	struct conf conf;
	uint64_t values[UPLOADER_COUNTS];
	struct queue *queue;
	struct object_store *store;
	struct work *work;
	struct work_counts counts;
	struct store_dir_counts dir;
	struct store_s3_counts s3;
	struct observed observed;
	struct stored_ledger stored; /* objects in S3 */
	struct buf body;             /* of the message `object` */
	struct svc *svc;
	unsigned ticks;
};

int uploader_check(struct svc *s);
int uploader_start(struct svc *s);
void uploader_tick(struct svc *s);
void uploader_drain(struct svc *s);
/* uploader_fini: after svc_main. */
void uploader_fini(struct uploader *u);

#endif

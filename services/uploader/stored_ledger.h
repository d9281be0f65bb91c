/*
 * stored_ledger: STATE_DIR/uploader.stored, which objects went to S3, with their packets.
 *
 * Nobody can count what is in a bucket, so `lurker audit` counts by this file. An object is noted
 * after S3 has it and before its queue entry goes.
 */
#ifndef UPLOADER_STORED_LEDGER_H
#define UPLOADER_STORED_LEDGER_H

#include <limits.h>

#include "object_store.h"
#include "storage/ledger.h"

struct stored_ledger {
	struct ledger ledger;
	char path[PATH_MAX];               /* of the file; the caller sets it */
	uint64_t unnoted, unnoted_entries; /* packets and objects that the disk refused to note */
};

/* stored_ledger_init: after path is set. Opens nothing yet. */
void stored_ledger_init(struct stored_ledger *s);
/* stored_ledger_note: what the disk refuses goes into the next line, as a sum. */
void stored_ledger_note(struct stored_ledger *s, const struct put *p);
/* stored_ledger_close: also before stored_ledger_init, when all is zero. */
void stored_ledger_close(struct stored_ledger *s);

#endif

#include "flowagg/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"
#include "flowagg/ckfile.h"
#include "storage/journal.h"

#define PAUSE_US 300000

static void restore_pause(void)
{
	usleep(PAUSE_US);
}

const struct restore_disk restore_disk = {ckfile_heads, ckfile_load, restore_pause};

/* Whether a disk that failed to read is asked once more, after a pause: without the checkpoint the
 * open flows are lost. */
static bool restore_ask_again(const struct restore_disk *disk, int rc, int *attempts)
{
	if (rc != -EIO || ++*attempts == RESTORE_ATTEMPTS)
		return false;
	disk->pause();
	return true;
}

/* Whether the checkpoint will stay unreadable: flowagg then starts without it. */
static bool restore_is_damage(int rc)
{
	return rc == -EBADMSG || rc == -EPROTONOSUPPORT || rc == -EIO;
}

int restore_find(const struct restore_disk *disk, const char *checkpoint, struct restore_point *out)
{
	int rc, attempts = 0;

	*out = (struct restore_point){.found = RESTORE_ABSENT, .next_seal = 1};
	do
		rc = disk->heads(checkpoint, &out->next, &out->next_seal);
	while (restore_ask_again(disk, rc, &attempts));
	if (rc == -ENOENT)
		return 0;
	if (!rc) {
		out->found = RESTORE_WHOLE;
		return 0;
	}
	log_error(restore_is_damage(rc) ? "checkpoint is broken" : "checkpoint cannot be read",
		  "path=%s error=\"%s\"", checkpoint, strerror(-rc));
	if (!restore_is_damage(rc))
		return rc;
	*out = (struct restore_point){.found = RESTORE_DAMAGED, .next_seal = 1};
	return 0;
}

static int restore_load(const struct restore_disk *disk, const char *checkpoint,
			const struct agg_limits *limits, agg_seal_fn seal, void *arg, struct agg *a)
{
	int rc, attempts = 0;

	do
		rc = disk->load(checkpoint, a, limits, seal, arg);
	while (restore_ask_again(disk, rc, &attempts));
	if (rc)
		log_error("checkpoint cannot be read", "error=\"%s\"", strerror(-rc));
	return rc;
}

int restore_agg(const struct restore_disk *disk, const char *checkpoint, const char *journal_dir,
		const struct restore_point *point, const struct agg_limits *limits,
		agg_seal_fn seal, void *arg, struct agg *a, bool *fresh)
{
	bool damaged = point->found == RESTORE_DAMAGED;
	uint8_t seed[16];

	*fresh = false;
	if (point->found == RESTORE_WHOLE) {
		int rc = restore_load(disk, checkpoint, limits, seal, arg, a);
		if (!rc) {
			log_info("restored", "next=%" PRIu64 " flows=%" PRIu32 " packets=%" PRIu64,
				 point->next, a->table.used, a->counts.restored);
			return 0;
		}
		if (!restore_is_damage(rc))
			return rc;
		damaged = true;
	}
	if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		return -EIO;
	int rc = agg_init(a, limits, seed, seal, arg);
	if (rc)
		return rc;
	*fresh = true;
	if (!damaged || journal_mark_get(journal_dir, "flowagg", &a->next))
		a->next = 0;
	return 0;
}

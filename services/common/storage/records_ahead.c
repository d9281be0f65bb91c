/*
 * What a clock that was wrong leaves in a records folder, and how it is put right.
 *
 * A clock that is years ahead for a moment would have all days removed as too old, and the day it
 * makes would be the last one for years: days never go back. So nothing is removed until the clock
 * has gone evenly for an hour, and then a day far ahead gets the name of the day it was written on.
 * Readers and other writers may be in the middle of it: the file stays the same, and a note under
 * the old name says what it is called now.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "storage/records_file.h"

#define SECOND   UINT64_C(1000000000)
#define EVEN_NS  (60 * SECOND) /* a clock may be corrected by so much at once */
#define HOUR_NS  (3600 * SECOND)
#define FAR_DAYS 32 /* less is waited for */

bool records_clock_is_even(struct records_clock *c, uint64_t real_ns, uint64_t mono_ns)
{
	uint64_t wanted = c->real_ns + (mono_ns - c->mono_ns);
	uint64_t off = wanted > real_ns ? wanted - real_ns : real_ns - wanted;

	if (!c->real_ns || off > EVEN_NS)
		c->since_ns = mono_ns;
	c->real_ns = real_ns;
	c->mono_ns = mono_ns;
	return mono_ns - c->since_ns >= HOUR_NS;
}

struct ahead {
	int64_t today;
	uint32_t near; /* the newest day that is not far ahead */
	uint32_t far;  /* the oldest that is; 0: none */
	bool past;     /* there is a day that is not ahead at all */
};

static void records_ahead_look_at(void *arg, uint32_t day, bool gz)
{
	struct ahead *a = arg;
	int64_t before = day_number(day) - a->today;

	(void)gz;
	a->past = a->past || before <= 0;
	if (before <= FAR_DAYS && day > a->near)
		a->near = day;
	if (before > FAR_DAYS && (!a->far || day < a->far))
		a->far = day;
}

static int records_ahead_write_note(int dirfd, const char *name, const char *text)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	if (fd < 0)
		return -errno;
	int rc = fs_write_all(fd, text, strlen(text));
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* The note comes first: it does not count as long as the file is there. */
static int records_ahead_rename_day(struct records *r, uint32_t from, uint32_t to)
{
	char note[DAY_NAME], was[DAY_NAME], is[DAY_NAME];

	day_note_name(from, note);
	day_name(to, false, is);
	int rc = records_ahead_write_note(r->dirfd, note, is);
	for (int gz = 0; gz < 2 && !rc; gz++) {
		day_name(from, gz, was);
		day_name(to, gz, is);
		if (renameat(r->dirfd, was, r->dirfd, is) < 0 && errno != ENOENT)
			rc = -errno;
	}
	if (!rc && r->day == from)
		r->day = to;
	return !rc && fsync(r->dirfd) < 0 ? -errno : rc;
}

int records_come_back(struct records *r, uint64_t real_ns)
{
	uint32_t today = day_of_ns(real_ns);
	struct ahead a = {.today = day_number(today)};

	int rc = day_each(r->dirfd, records_ahead_look_at, &a);
	/* With all days ahead it is now that the clock is wrong: one without a battery, in 1970. */
	if (rc || !a.far || !a.past)
		return rc;
	uint32_t to = a.near < today ? today : day_next(a.near);
	rc = records_ahead_rename_day(r, a.far, to);
	return rc ? rc : 1;
}

#include "storage/account.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "rt/loop.h"
#include "storage/records.h"

#define LINE_MAX_BYTES (1u << 20)
/* Days that stay uncompressed. */
#define PLAIN_DAYS 2

struct account {
	char now[PATH_MAX];
	char service[32];
	struct records *records;
	struct buf line;
	bool taken; /* what the last run left is on a line */
	bool begun; /* the start line is written */
	uint64_t due_ns;
};

static const char *const marks[] = {"start", "time", "stop", "lost"};

static int format(struct account *a, uint64_t now_ns, enum account_mark mark, struct bytes json)
{
	if (json.n < 2 || json.p[0] != '{')
		return -EINVAL;
	buf_reset(&a->line);
	buf_addf(&a->line, "{\"mark\":\"%s\",\"service\":\"%s\",\"ts_ns\":%" PRIu64 ",",
		 marks[mark], a->service, now_ns);
	return buf_add(&a->line, json.p + 1, json.n - 1);
}

/* A `now` that is still there was left by a run that did not end in order: its line is written with
 * the mark "lost". */
static int take_over(struct account *a)
{
	static const char start[] = "{\"mark\":\"";
	char ts[] = "\"ts_ns\":";
	uint64_t ts_ns = 0;
	struct stat st;
	int rc = 0;
	int fd = open(a->now, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	uint8_t *room = NULL;
	if (fstat(fd, &st) != 0)
		rc = -errno;
	else if (st.st_size > 0 && st.st_size < LINE_MAX_BYTES / 2)
		room = buf_room(&a->line, (size_t)st.st_size + 1);
	ssize_t n = room ? read(fd, room, (size_t)st.st_size) : 0;
	close(fd);
	if (n <= (ssize_t)sizeof(start) || memcmp(room, start, sizeof(start) - 1) != 0 ||
	    room[n - 1] != '}' || memchr(room, '\0', (size_t)n) || memchr(room, '\n', (size_t)n))
		return rc; /* cut short by a power cut, or not ours: nothing to take over */
	room[n] = '\0';
	const char *at = strstr((char *)room, ts);
	const char *rest = strchr((char *)room + sizeof(start), ',');
	if (!at || !rest || sscanf(at + sizeof(ts) - 1, "%20" SCNu64, &ts_ns) != 1)
		return 0;
	struct buf lost;
	buf_init(&lost, LINE_MAX_BYTES);
	buf_addf(&lost, "%s%s\"%s", start, marks[ACCOUNT_LOST], rest);
	rc = lost.failed ? lost.rc : records_append(a->records, ts_ns, buf_bytes(&lost));
	buf_fini(&lost);
	if (!rc && unlink(a->now) != 0)
		rc = -errno;
	return rc;
}

int account_open(const char *state_dir, const char *service, struct account **out)
{
	char dir[PATH_MAX - 32];
	struct account *a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	buf_init(&a->line, LINE_MAX_BYTES);
	snprintf(a->service, sizeof(a->service), "%s", service);
	int rc = 0;
	if ((size_t)snprintf(dir, sizeof(dir), "%s/stat/%s", state_dir, service) >= sizeof(dir))
		rc = -ENAMETOOLONG;
	if (!rc)
		rc = records_open(dir, ACCOUNT_KEEP_DAYS, PLAIN_DAYS, &a->records);
	if (!rc) {
		snprintf(a->now, sizeof(a->now), "%s/now", dir);
		/* A full disk is no reason not to run. */
		a->taken = take_over(a) == 0;
	}
	if (rc)
		account_close(&a);
	*out = a;
	return rc;
}

void account_close(struct account **ap)
{
	struct account *a = *ap;
	if (!a)
		return;
	records_close(&a->records);
	buf_fini(&a->line);
	free(a);
	*ap = NULL;
}

int account_note(struct account *a, uint64_t now_ns, struct bytes json, bool final)
{
	int rc = a->taken ? 0 : take_over(a);
	if (rc)
		return rc;
	a->taken = true;
	bool due = final || !a->begun || now_ns >= a->due_ns ||
		   a->due_ns - now_ns > 2 * ACCOUNT_EVERY_NS;
	enum account_mark mark = final ? ACCOUNT_STOP : a->begun ? ACCOUNT_TIME : ACCOUNT_START;
	if (due) {
		rc = format(a, now_ns, mark, json);
		if (!rc)
			rc = records_append(a->records, now_ns, buf_bytes(&a->line));
		if (rc)
			return rc;
		a->begun = true;
		a->due_ns = now_ns + ACCOUNT_EVERY_NS;
		records_tidy(a->records, now_ns, clock_mono_ns());
	}
	if (final)
		return unlink(a->now) != 0 && errno != ENOENT ? -errno : 0;
	rc = format(a, now_ns, ACCOUNT_TIME, json);
	/* Lost or torn with the power: take_over() passes over it, and the last line in the day's file
	 * is what remains. `now` is for kills. */
	return rc ? rc : fs_replace(a->now, a->line.p, a->line.n, 0640, FS_NONE);
}

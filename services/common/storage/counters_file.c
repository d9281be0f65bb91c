#include "storage/counters_file.h"

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

struct counters_file {
	char now[PATH_MAX];
	char service[32];
	struct records *records;
	struct buf line;
	bool taken; /* what the last run left is on a line */
	bool begun; /* the start line is written */
	uint64_t due_ns;
};

static const char *const marks[] = {"start", "time", "stop", "lost"};

static int counters_file_format(struct counters_file *c, uint64_t now_ns,
				enum counters_file_mark mark, struct bytes json)
{
	if (json.n < 2 || json.p[0] != '{')
		return -EINVAL;
	buf_reset(&c->line);
	buf_addf(&c->line, "{\"mark\":\"%s\",\"service\":\"%s\",\"ts_ns\":%" PRIu64 ",",
		 marks[mark], c->service, now_ns);
	return buf_add(&c->line, json.p + 1, json.n - 1);
}

/* A `now` that is still there was left by a run that did not end in order: its line is written with
 * the mark "lost". */
static int counters_file_take_over(struct counters_file *c)
{
	static const char start[] = "{\"mark\":\"";
	char ts[] = "\"ts_ns\":";
	uint64_t ts_ns = 0;
	struct stat st;
	int rc = 0;
	int fd = open(c->now, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	uint8_t *room = NULL;
	if (fstat(fd, &st) != 0)
		rc = -errno;
	else if (st.st_size > 0 && st.st_size < LINE_MAX_BYTES / 2)
		room = buf_room(&c->line, (size_t)st.st_size + 1);
	ssize_t n = room ? read(fd, room, (size_t)st.st_size) : 0;
	close(fd);
	if (n <= (ssize_t)sizeof start || memcmp(room, start, sizeof start - 1) != 0 ||
	    room[n - 1] != '}' || memchr(room, '\0', (size_t)n) || memchr(room, '\n', (size_t)n))
		return rc; /* cut short by a power cut, or not ours: nothing to take over */
	room[n] = '\0';
	const char *at = strstr((char *)room, ts);
	const char *rest = strchr((char *)room + sizeof start, ',');
	if (!at || !rest || sscanf(at + sizeof ts - 1, "%20" SCNu64, &ts_ns) != 1)
		return 0;
	struct buf lost;
	buf_init(&lost, LINE_MAX_BYTES);
	buf_addf(&lost, "%s%s\"%s", start, marks[COUNTERS_FILE_LOST], rest);
	rc = lost.failed ? lost.rc : records_append(c->records, ts_ns, buf_bytes(&lost));
	buf_fini(&lost);
	if (!rc && unlink(c->now) != 0)
		rc = -errno;
	return rc;
}

int counters_file_open(const char *state_dir, const char *service, struct counters_file **out)
{
	char dir[PATH_MAX - 32];
	struct counters_file *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	buf_init(&c->line, LINE_MAX_BYTES);
	snprintf(c->service, sizeof c->service, "%s", service);
	int rc = 0;
	if ((size_t)snprintf(dir, sizeof dir, "%s/stat/%s", state_dir, service) >= sizeof dir)
		rc = -ENAMETOOLONG;
	if (!rc)
		rc = records_open(dir, COUNTERS_FILE_KEEP_DAYS, PLAIN_DAYS, &c->records);
	if (!rc) {
		snprintf(c->now, sizeof c->now, "%s/now", dir);
		/* A full disk is no reason not to run. */
		c->taken = counters_file_take_over(c) == 0;
	}
	if (rc)
		counters_file_close(&c);
	*out = c;
	return rc;
}

void counters_file_close(struct counters_file **cp)
{
	struct counters_file *c = *cp;
	if (!c)
		return;
	records_close(&c->records);
	buf_fini(&c->line);
	free(c);
	*cp = NULL;
}

int counters_file_note(struct counters_file *c, uint64_t now_ns, struct bytes json, bool final)
{
	int rc = c->taken ? 0 : counters_file_take_over(c);
	if (rc)
		return rc;
	c->taken = true;
	bool due = final || !c->begun || now_ns >= c->due_ns ||
		   c->due_ns - now_ns > 2 * COUNTERS_FILE_EVERY_NS;
	enum counters_file_mark mark = final      ? COUNTERS_FILE_STOP
				       : c->begun ? COUNTERS_FILE_TIME
						  : COUNTERS_FILE_START;
	if (due) {
		rc = counters_file_format(c, now_ns, mark, json);
		if (!rc)
			rc = records_append(c->records, now_ns, buf_bytes(&c->line));
		if (rc)
			return rc;
		c->begun = true;
		c->due_ns = now_ns + COUNTERS_FILE_EVERY_NS;
		records_tidy(c->records, now_ns, clock_mono_ns());
	}
	if (final)
		return unlink(c->now) != 0 && errno != ENOENT ? -errno : 0;
	rc = counters_file_format(c, now_ns, COUNTERS_FILE_TIME, json);
	/* Lost or torn with the power: counters_file_take_over() passes over it, and the last line
	 * in the day's file is what remains. `now` is for kills. */
	return rc ? rc : fs_replace(c->now, c->line.p, c->line.n, 0640, FS_NONE);
}

#include "record/dedup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/records.h"
#include "storage/records_day.h"

struct id {
	uint64_t high, low;
};

/* A ring of the ids in order, and chains through them by hash: ids are the beginning of a SHA-256,
 * so they are their own hash. Places count from 1, and 0 is none, so that memory for ids that never
 * came is never written to. */
struct dedup {
	struct id *ids;
	uint32_t *next, *first; /* places in ids */
	size_t max, at, n;      /* at: where the next one goes */
	uint64_t mask;
};

int dedup_new(size_t max, struct dedup **out)
{
	struct dedup *k = calloc(1, sizeof *k);
	size_t heads = 1;

	*out = NULL;
	if (!k)
		return -ENOMEM;
	while (heads < max)
		heads *= 2;
	k->max = max;
	k->at = 1;
	k->mask = heads - 1;
	k->ids = calloc(max + 1, sizeof *k->ids);
	k->next = calloc(max + 1, sizeof *k->next);
	k->first = calloc(heads, sizeof *k->first);
	if (!k->ids || !k->next || !k->first) {
		dedup_free(&k);
		return -ENOMEM;
	}
	*out = k;
	return 0;
}

void dedup_free(struct dedup **kp)
{
	struct dedup *k = *kp;
	if (!k)
		return;
	free(k->ids);
	free(k->next);
	free(k->first);
	free(k);
	*kp = NULL;
}

static bool half(const uint8_t *p, uint64_t *out)
{
	*out = 0;
	for (int i = 0; i < 16; i++) {
		uint8_t c = p[i];
		unsigned v = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
			     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
						    : 16;
		if (v > 15)
			return false;
		*out = *out << 4 | v;
	}
	return true;
}

static void take_out(struct dedup *k, uint32_t i)
{
	uint32_t *link = &k->first[k->ids[i].low & k->mask];
	while (*link != i)
		link = &k->next[*link];
	*link = k->next[i];
	k->n--;
}

bool dedup_add(struct dedup *k, struct bytes flow_id)
{
	struct id id;

	if (flow_id.n != 32 || !half(flow_id.p, &id.high) || !half(flow_id.p + 16, &id.low))
		return true;
	uint32_t *head = &k->first[id.low & k->mask];
	for (uint32_t i = *head; i; i = k->next[i])
		if (k->ids[i].low == id.low && k->ids[i].high == id.high)
			return false;
	uint32_t i = (uint32_t)k->at;
	if (k->n == k->max)
		take_out(k, i);
	k->ids[i] = id;
	k->next[i] = *head;
	*head = i;
	k->n++;
	k->at = k->at % k->max + 1;
	return true;
}

void dedup_back(struct dedup *k, size_t n)
{
	for (; n && k->n; n--) {
		k->at = k->at > 1 ? k->at - 1 : k->max;
		take_out(k, (uint32_t)k->at);
	}
}

size_t dedup_count(const struct dedup *k)
{
	return k->n;
}

/* In JSON these bytes stand nowhere but before the value: within a string the quotes have
 * backslashes. */
static struct bytes id_of(struct bytes line)
{
	static const char key[] = "\"flow_id\":\"";
	const uint8_t *p = memmem(line.p, line.n, key, sizeof key - 1);

	if (!p || line.n - (size_t)(p - line.p) < sizeof key - 1 + 32)
		return (struct bytes){0};
	return bytes_of(p + sizeof key - 1, 32);
}

static uint64_t plain_bytes(int dirfd, uint32_t day)
{
	char name[DAY_NAME];
	struct stat st;

	day_name(day, false, name);
	return day && fstatat(dirfd, name, &st, 0) == 0 ? (uint64_t)st.st_size : 0;
}

struct last_two {
	uint32_t last, before;
};

static void on_day(void *arg, uint32_t day, bool gz)
{
	struct last_two *l = arg;
	if (gz)
		return;
	if (day > l->last) {
		l->before = l->last;
		l->last = day;
	} else if (day < l->last && day > l->before) {
		l->before = day;
	}
}

/* One day's lines, from the given byte on. */
static int load_day(struct dedup *k, const char *dir, uint32_t day, uint64_t from)
{
	struct records_reader *r;
	struct records_pos pos;
	struct bytes line;

	int rc = records_reader_open(dir, (struct records_pos){.day = day, .offset = from}, &r);
	if (rc)
		return rc;
	while ((rc = records_next(r, &line, &pos)) == 1 && pos.day == day) {
		struct bytes id = id_of(line);
		if (id.n)
			dedup_add(k, id);
	}
	records_reader_close(&r);
	return rc < 0 ? rc : 0;
}

int dedup_load(struct dedup *k, const char *dir)
{
	struct last_two l = {0};
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int rc = day_each(fd, on_day, &l);
	uint64_t last = plain_bytes(fd, l.last), before = plain_bytes(fd, l.before);
	uint64_t room = last < DEDUP_READ_BYTES ? DEDUP_READ_BYTES - last : 0;
	close(fd);
	if (!rc && before && room)
		rc = load_day(k, dir, l.before, before > room ? before - room : 0);
	if (!rc && last)
		rc = load_day(k, dir, l.last, room ? 0 : last - DEDUP_READ_BYTES);
	return rc;
}

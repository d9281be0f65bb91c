#include "class/class_seen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "class/class_table.h"

int class_seen_new(size_t max, struct class_seen **out)
{
	struct class_seen *s = calloc(1, sizeof *s);
	size_t sets = 1;

	*out = NULL;
	while (sets * SEEN_WAYS < max && sets < SIZE_MAX / 2 / SEEN_WAYS / sizeof *s->v)
		sets *= 2;
	if (s)
		s->v = calloc(sets * SEEN_WAYS, sizeof *s->v);
	if (!s || !s->v) {
		free(s);
		return -ENOMEM;
	}
	s->sets = sets;
	*out = s;
	return 0;
}

void class_seen_free(struct class_seen **s)
{
	if (!*s)
		return;
	free((*s)->v);
	free(*s);
	*s = NULL;
}

bool class_seen_put(struct class_seen *s, const uint8_t id[CLASS_SEEN_ID], uint64_t ts_ns)
{
	uint64_t h;
	memcpy(&h, id, sizeof h); /* a hash already */
	struct class_seen_entry *set = s->v + (h & (s->sets - 1)) * SEEN_WAYS, *to = set;

	if (ts_ns == 0)
		ts_ns = 1;
	for (size_t i = 0; i < SEEN_WAYS; i++) {
		if (set[i].ts_ns && memcmp(set[i].id, id, CLASS_SEEN_ID) == 0) {
			if (ts_ns > set[i].ts_ns)
				set[i].ts_ns = ts_ns;
			return false;
		}
		if (set[i].ts_ns < to->ts_ns) /* free ones first */
			to = &set[i];
	}
	if (to->ts_ns)
		s->stats.evicted++;
	if (to->ts_ns > ts_ns) /* itself the one that was seen longest ago */
		return true;
	if (!to->ts_ns)
		s->stats.classes++;
	memcpy(to->id, id, CLASS_SEEN_ID);
	to->ts_ns = ts_ns;
	return true;
}

void class_seen_clear(struct class_seen *s)
{
	if (s->stats.classes) /* memory that was not written to costs nothing */
		memset(s->v, 0, s->sets * SEEN_WAYS * sizeof *s->v);
	s->stats = (struct class_seen_stats){0};
	s->dirty = false;
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool class_seen_id(const char *text, uint8_t id[CLASS_SEEN_ID])
{
	char prefix[16];
	int n = snprintf(prefix, sizeof prefix, "%d:", CLASS_VERSION);

	if (strncmp(text, prefix, (size_t)n) != 0 || strlen(text + n) != 2u * CLASS_SEEN_ID)
		return false;
	text += n;
	for (size_t i = 0; i < CLASS_SEEN_ID; i++) {
		int hi = nibble(text[2 * i]), lo = nibble(text[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		id[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

bool class_seen_note_id(struct class_seen *s, const uint8_t id[CLASS_SEEN_ID], uint64_t ts_ns)
{
	s->dirty = true;
	return class_seen_put(s, id, ts_ns);
}

bool class_seen_note(struct class_seen *s, const char *class_text, uint64_t ts_ns)
{
	uint8_t id[CLASS_SEEN_ID];

	return class_seen_id(class_text, id) && class_seen_note_id(s, id, ts_ns);
}

void class_seen_stats(const struct class_seen *s, struct class_seen_stats *out)
{
	*out = s->stats;
}

bool class_seen_dirty(const struct class_seen *s)
{
	return s->dirty;
}

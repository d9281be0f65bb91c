#include "sample.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/field.h"

const char *const sample_names[SAMPLE_LEVELS] = {"least", "some", "most"};

/* All that was taken, for sample_free: each block begins with a pointer to the one before. */
static void **taken;

static void *take(size_t n)
{
	void **block = calloc(1, sizeof *block * 2 + n);
	if (!block) {
		fprintf(stderr, "proto_gen: out of memory\n");
		exit(1);
	}
	*block = taken;
	taken = block;
	return block + 2;
}

void sample_free(void)
{
	while (taken) {
		void **before = *taken;
		free(taken);
		taken = before;
	}
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Each width of the encoding from both sides, and what a double or a signed type cannot hold. */
static const uint64_t unsigneds[] = {
	1,
	127,
	128,
	255,
	256,
	65535,
	65536,
	UINT32_MAX,
	1ull << 32,
	1ull << 53,
	(1ull << 53) + 1,
	INT64_MAX,
	1ull << 63,
	UINT64_MAX,
};
static const int64_t signeds[] = {-1,     -32,    -33,       -128,      -129,
				  -32768, -32769, INT32_MIN, INT64_MIN, INT64_MAX};
static const double floats[] = {0.1, -1.5, 1e300, DBL_MIN, -DBL_MAX, 1.0 / 3};
static const uint64_t times[] = {1102274184317453123, 1, 999999999, 18446744071999999999u};
static const char *const texts[] = {
	"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
	"quote \" backslash \\ slash / tab \t newline \r\n bell \a delete \x7f C1 \xc2\x9b",
	"31 bytes: the longest fixstr...",
	"32 bytes: the shortest str8 ....",
};

static struct bytes text_of(size_t i, enum sample_level level, const char *name)
{
	if (level == SAMPLE_SOME) {
		char *text = take(strlen(name) + 24);
		sprintf(text, "%s-%zu", name, i);
		return bytes_str(text);
	}
	if (i % 5 < COUNT(texts))
		return bytes_str(texts[i % 5]);
	/* Long enough for a length of two bytes. */
	char *text = take(301);
	memset(text, 'x', 300);
	return bytes_str(text);
}

static struct bytes bin_of(size_t i, enum sample_level level)
{
	uint8_t *p = take(256);
	size_t n = level == SAMPLE_SOME ? 3 + i % 3 : 256;
	for (size_t k = 0; k < n; k++)
		p[k] = (uint8_t)(level == SAMPLE_SOME ? i + k : k);
	return bytes_of(p, n);
}

static void fill(const struct msg_schema *s, enum sample_level level, void *msg, size_t seed);

static struct field_list list_of(const struct msg_field *f, enum sample_level level, size_t seed)
{
	/* 20: more than a fixarray or a fixmap holds. */
	size_t n = level == SAMPLE_SOME ? 2 : f->kind == MSG_PARTS ? 3 : 20;
	size_t size = f->kind == MSG_STRS     ? sizeof(struct bytes)
		      : f->kind == MSG_U64S   ? sizeof(uint64_t)
		      : f->kind == MSG_COUNTS ? sizeof(struct msg_count)
					      : f->part->size;
	char *v = take(n * size);
	for (size_t i = 0; i < n; i++) {
		void *at = v + i * size;
		struct msg_count *count = at;
		char *name;
		switch (f->kind) {
		case MSG_STRS:
			*(struct bytes *)at = i == 1 && level == SAMPLE_MOST
						      ? bytes_str("")
						      : text_of(i, level, f->name);
			break;
		case MSG_U64S:
			*(uint64_t *)at =
				level == SAMPLE_SOME ? i : unsigneds[i % COUNT(unsigneds)];
			break;
		case MSG_COUNTS:
			name = take(24);
			sprintf(name, "name_%zu", i);
			count->name = bytes_str(name);
			count->count = level == SAMPLE_SOME ? i : unsigneds[i % COUNT(unsigneds)];
			break;
		default:
			fill(f->part, level, at, seed + i);
		}
	}
	return (struct field_list){v, n};
}

static void fill_field(const struct msg_field *f, enum sample_level level, void *at, size_t i)
{
	bool some = level == SAMPLE_SOME;
	void *part;
	switch (f->kind) {
	case MSG_U64:
		*(uint64_t *)at = some ? i + 1 : unsigneds[i % COUNT(unsigneds)];
		break;
	case MSG_I64:
		*(int64_t *)at = some ? -(int64_t)i - 1 : signeds[i % COUNT(signeds)];
		break;
	case MSG_F64:
		*(double *)at = some ? (double)i + 0.5 : floats[i % COUNT(floats)];
		break;
	case MSG_BOOL:
		*(bool *)at = true;
		break;
	case MSG_TIME:
		*(uint64_t *)at =
			some ? 1102274184000000000 + i * 250000000 : times[i % COUNT(times)];
		break;
	case MSG_STR:
		*(struct bytes *)at = text_of(i, level, f->name);
		break;
	case MSG_BIN:
		*(struct bytes *)at = bin_of(i, level);
		break;
	case MSG_STRS:
	case MSG_U64S:
	case MSG_COUNTS:
	case MSG_PARTS:
		*(struct field_list *)at = list_of(f, level, i);
		break;
	case MSG_PART:
		part = take(f->part->size);
		fill(f->part, level, part, i);
		*(const void **)at = part;
		break;
	}
}

static void fill(const struct msg_schema *s, enum sample_level level, void *msg, size_t seed)
{
	for (size_t i = 0; i < s->nfields; i++)
		fill_field(&s->fields[i], level, (char *)msg + s->fields[i].offset, seed + i);
}

const void *sample_make(const struct msg_schema *s, enum sample_level level)
{
	void *msg = take(s->size);
	if (level != SAMPLE_LEAST)
		fill(s, level, msg, 0);
	return msg;
}

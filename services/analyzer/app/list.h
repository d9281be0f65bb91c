/*
 * list: lists and short texts made in a record's arena. All of them are bounded, and all of them
 * just get shorter when the arena is full.
 */
#ifndef APP_LIST_H
#define APP_LIST_H

#include "app/app.h"

/* arena_take: n zeroed bytes aligned for any struct, or NULL. */
void *arena_take(struct msg_arena *a, size_t n);
/* arena_copy: a copy of b; absent when there is no room. */
struct bytes arena_copy(struct msg_arena *a, struct bytes b);
/* arena_hex: b in lower-case hex digits. */
struct bytes arena_hex(struct msg_arena *a, struct bytes b);
/* arena_printf: formatted text; absent when there is no room. */
struct bytes arena_printf(struct msg_arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

struct strs {
	struct msg_arena *a;
	struct bytes *v;
	size_t n, max;
	uint64_t total; /* added, those beyond max included */
};

static inline struct strs strs_in(struct msg_arena *a, size_t max)
{
	return (struct strs){.a = a, .max = max};
}
void strs_add(struct strs *s, struct bytes b);
static inline struct msg_strs strs_done(const struct strs *s)
{
	return (struct msg_strs){s->v, s->n};
}

struct u64s {
	struct msg_arena *a;
	uint64_t *v;
	size_t n, max;
};

static inline struct u64s u64s_in(struct msg_arena *a, size_t max)
{
	return (struct u64s){.a = a, .max = max};
}
void u64s_add(struct u64s *s, uint64_t v);
static inline struct msg_u64s u64s_done(const struct u64s *s)
{
	return (struct msg_u64s){s->v, s->n};
}

#endif

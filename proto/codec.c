/*
 * codec: one walk over the tables for every message.
 *
 * Encoding trusts its struct; decoding trusts nothing: it reads through wire.h only, and the depth
 * it descends to is that of the tables, in which parts come before the messages that use them.
 */
#include "proto/codec.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <string.h>

#include <msgpack.h>

#include "proto/field.h"
#include "proto/utf8.h"
#include "proto/wire.h"

#define NS_PER_S 1000000000u

/* --- encoding --- */

struct encoder {
	msgpack_packer pk;
	struct buf *out;
	int rc;
};

static int put(void *arg, const char *p, size_t n)
{
	struct encoder *e = arg;
	struct buf *b = e->out;
	if (e->rc == 0 && !b->failed && n > 0 && n <= b->cap - b->n) {
		memcpy(b->p + b->n, p, n); /* most often there is room: no call needed */
		b->n += n;
	} else if (e->rc == 0) {
		e->rc = buf_add(b, p, n);
	}
	return e->rc;
}

static void put_str(struct encoder *e, struct bytes s)
{
	msgpack_pack_str(&e->pk, s.n);
	if (s.n > 0 && put(e, (const char *)s.p, s.n) == 0)
		utf8_dot(e->out->p + e->out->n - s.n, s.n);
}

/* Seconds and fraction apart: ns since the epoch have more digits than a double. */
static double seconds(uint64_t ns)
{
	return (double)(ns / NS_PER_S) + (double)(ns % NS_PER_S) / NS_PER_S;
}

static void put_msg(struct encoder *e, const struct msg_schema *s, const void *msg);

static void put_field(struct encoder *e, const struct msg_field *f, const void *at)
{
	const struct field_list *list = at;
	switch (f->kind) {
	case MSG_U64:
		msgpack_pack_uint64(&e->pk, *(const uint64_t *)at);
		break;
	case MSG_I64:
		msgpack_pack_int64(&e->pk, *(const int64_t *)at);
		break;
	case MSG_F64:
		msgpack_pack_double(&e->pk, *(const double *)at);
		break;
	case MSG_BOOL:
		*(const bool *)at ? msgpack_pack_true(&e->pk) : msgpack_pack_false(&e->pk);
		break;
	case MSG_STR:
		put_str(e, *(const struct bytes *)at);
		break;
	case MSG_BIN: {
		const struct bytes *b = at;
		msgpack_pack_bin(&e->pk, b->n);
		put(e, (const char *)b->p, b->n);
		break;
	}
	case MSG_TIME:
		msgpack_pack_double(&e->pk, seconds(*(const uint64_t *)at));
		break;
	case MSG_STRS:
		msgpack_pack_array(&e->pk, list->n);
		for (size_t i = 0; i < list->n; i++)
			put_str(e, ((const struct bytes *)list->v)[i]);
		break;
	case MSG_U64S:
		msgpack_pack_array(&e->pk, list->n);
		for (size_t i = 0; i < list->n; i++)
			msgpack_pack_uint64(&e->pk, ((const uint64_t *)list->v)[i]);
		break;
	case MSG_COUNTS:
		msgpack_pack_map(&e->pk, list->n);
		for (size_t i = 0; i < list->n; i++) {
			const struct msg_count *c = (const struct msg_count *)list->v + i;
			put_str(e, c->name);
			msgpack_pack_uint64(&e->pk, c->count);
		}
		break;
	case MSG_PART:
		assert(*(const void *const *)at); /* a required part was not given */
		put_msg(e, f->part, *(const void *const *)at);
		break;
	case MSG_PARTS:
		msgpack_pack_array(&e->pk, list->n);
		for (size_t i = 0; i < list->n && e->rc == 0; i++)
			put_msg(e, f->part, (const char *)list->v + i * f->part->size);
		break;
	}
}

static void put_msg(struct encoder *e, const struct msg_schema *s, const void *msg)
{
	if (s->row) {
		msgpack_pack_array(&e->pk, s->nfields);
		for (size_t i = 0; i < s->nfields; i++)
			put_field(e, &s->fields[i], field_at(&s->fields[i], msg));
		return;
	}
	/* The head of a map has the count, so what is present is noted first. */
	uint8_t present[MSG_MAX_FIELDS];
	size_t n = 0;
	for (size_t i = 0; i < s->nfields; i++) {
		if (field_present(&s->fields[i], msg))
			present[n++] = (uint8_t)i;
	}
	msgpack_pack_map(&e->pk, n);
	for (size_t i = 0; i < n; i++) {
		const struct msg_field *f = &s->fields[present[i]];
		msgpack_pack_str_with_body(&e->pk, f->name, f->name_n);
		put_field(e, f, field_at(f, msg));
	}
}

int msg_encode(const struct msg_schema *s, const void *msg, struct buf *out)
{
	struct encoder e = {.out = out};
	msgpack_packer_init(&e.pk, &e, put);
	put_msg(&e, s, msg);
	return e.rc;
}

/* --- decoding --- */

struct decoder {
	struct wire w;
	struct msg_arena *arena;
	bool full; /* the arena was too small */
};

/* Memory for n elements of a list; NULL (and a failed cursor) when the arena is full. */
static void *arena_take(struct decoder *d, size_t n, size_t size)
{
	struct msg_arena *a = d->arena;
	size_t align = alignof(max_align_t);
	size_t pad = (align - ((uintptr_t)a->p + a->used) % align) % align;
	size_t room = a->n - a->used;
	if (pad > room || n > (room - pad) / size) {
		d->full = true;
		wire_fail(&d->w);
		return NULL;
	}
	void *p = a->p + a->used + pad;
	a->used += pad + n * size;
	return p;
}

static uint64_t get_time(struct decoder *d)
{
	double t = wire_f64(&d->w);
	/* Not negative, not NaN, and in range for uint64_t ns. */
	if (!(t >= 0 && t < 18446744073.0)) {
		wire_fail(&d->w);
		return 0;
	}
	uint64_t whole = (uint64_t)t;
	return whole * NS_PER_S + (uint64_t)((t - (double)whole) * NS_PER_S + 0.5);
}

static void get_msg(struct decoder *d, const struct msg_schema *s, void *msg);

static void get_list(struct decoder *d, const struct msg_field *f, struct field_list *list)
{
	size_t n = f->kind == MSG_COUNTS ? wire_map(&d->w) : wire_array(&d->w);
	size_t size = f->kind == MSG_STRS     ? sizeof(struct bytes)
		      : f->kind == MSG_U64S   ? sizeof(uint64_t)
		      : f->kind == MSG_COUNTS ? sizeof(struct msg_count)
					      : f->part->size;
	*list = (struct field_list){0};
	if (n == 0)
		return;
	char *v = arena_take(d, n, size);
	if (!v)
		return;
	for (size_t i = 0; i < n && !d->w.failed; i++) {
		void *at = v + i * size;
		switch (f->kind) {
		case MSG_STRS:
			*(struct bytes *)at = wire_str(&d->w);
			break;
		case MSG_U64S:
			*(uint64_t *)at = wire_u64(&d->w);
			break;
		case MSG_COUNTS:
			((struct msg_count *)at)->name = wire_str(&d->w);
			((struct msg_count *)at)->count = wire_u64(&d->w);
			break;
		default:
			get_msg(d, f->part, at);
		}
	}
	if (!d->w.failed)
		*list = (struct field_list){.v = v, .n = n};
}

static void get_part(struct decoder *d, const struct msg_field *f, const void **part)
{
	*part = NULL;
	void *p = arena_take(d, 1, f->part->size);
	if (!p)
		return;
	get_msg(d, f->part, p);
	*part = p;
}

static void get_field(struct decoder *d, const struct msg_field *f, void *at)
{
	switch (f->kind) {
	case MSG_U64:
		*(uint64_t *)at = wire_u64(&d->w);
		break;
	case MSG_I64:
		*(int64_t *)at = wire_i64(&d->w);
		break;
	case MSG_F64:
		*(double *)at = wire_f64(&d->w);
		break;
	case MSG_BOOL:
		*(bool *)at = wire_bool(&d->w);
		break;
	case MSG_STR:
		*(struct bytes *)at = wire_str(&d->w);
		break;
	case MSG_BIN:
		*(struct bytes *)at = wire_bin(&d->w);
		break;
	case MSG_TIME:
		*(uint64_t *)at = get_time(d);
		break;
	case MSG_STRS:
	case MSG_U64S:
	case MSG_COUNTS:
	case MSG_PARTS:
		get_list(d, f, at);
		break;
	case MSG_PART:
		get_part(d, f, at);
		break;
	}
}

/* Fields in the order of the table; a sender that knows more fields has them at the end. */
static void get_row(struct decoder *d, const struct msg_schema *s, void *msg)
{
	size_t n = wire_array(&d->w);
	for (size_t i = 0; i < n && !d->w.failed; i++) {
		if (i < s->nfields)
			get_field(d, &s->fields[i], (char *)msg + s->fields[i].offset);
		else
			wire_skip(&d->w);
	}
	for (size_t i = n; i < s->nfields; i++) {
		if (s->fields[i].required)
			wire_fail(&d->w);
	}
}

/* The field called key. Senders write in the order of the table, so the search begins after the
 * last one. */
static const struct msg_field *find_field(const struct msg_schema *s, struct bytes key,
					  size_t *next)
{
	for (size_t k = 0; k < s->nfields; k++) {
		size_t i = *next + k < s->nfields ? *next + k : *next + k - s->nfields;
		const struct msg_field *f = &s->fields[i];
		if (f->name_n == key.n && memcmp(f->name, key.p, key.n) == 0) {
			*next = i + 1;
			return f;
		}
	}
	return NULL;
}

static void get_map(struct decoder *d, const struct msg_schema *s, void *msg)
{
	bool seen[MSG_MAX_FIELDS] = {false};
	size_t n = wire_map(&d->w), next = 0;
	for (size_t i = 0; i < n && !d->w.failed; i++) {
		struct bytes key = wire_str(&d->w);
		const struct msg_field *f = d->w.failed ? NULL : find_field(s, key, &next);
		if (!f) {
			wire_skip(&d->w);
			continue;
		}
		if (!f->required && wire_nil(&d->w))
			continue;
		get_field(d, f, (char *)msg + f->offset);
		seen[f - s->fields] = true;
	}
	for (size_t i = 0; i < s->nfields; i++) {
		if (s->fields[i].required && !seen[i])
			wire_fail(&d->w);
	}
}

static void get_msg(struct decoder *d, const struct msg_schema *s, void *msg)
{
	memset(msg, 0, s->size);
	if (s->row)
		get_row(d, s, msg);
	else
		get_map(d, s, msg);
}

int msg_decode(const struct msg_schema *s, struct bytes in, void *msg, struct msg_arena *arena)
{
	struct decoder d = {.arena = arena};
	wire_init(&d.w, in);
	get_msg(&d, s, msg);
	if (d.full)
		return -ENOBUFS;
	return wire_end(&d.w) ? 0 : -EBADMSG;
}

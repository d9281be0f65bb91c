#include "record/memo.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "pkt/digest.h"
#include "reassembly/keyed_hash.h"

#define PLACES       32768u /* a power of two */
#define WAYS         4u
#define MAX_PAYLOAD  8192u
#define REGION_BYTES (32u << 20)
/* An entry whose parts or texts took more than this is not kept: few of them would fill the
 * region. */
#define MAX_PARTS 8192u
#define MAX_TEXT  (32u << 10)
#define ALIGN     16u
/* What is kept of the memory for the text of a payload that is not. */
#define READABLE_KEEP (256u << 10)

/* All that recognition looks at, but for the payload. */
struct key {
	uint64_t hash;    /* of the payload, or of its name */
	const void *name; /* NULL: none, the payloads are compared */
	uint32_t n;       /* the payload's length */
	uint32_t datagram;
	uint16_t src_port, dst_port; /* as recognisers see them */
	uint8_t proto, pad[3];
	uint64_t names; /* in which names mean the same */
};

struct entry {
	struct key key;
	struct memo_known known; /* borrows from what follows */
	/* The payload, as text, what app_recognise took, the texts of the pieces. */
	_Alignas(ALIGN) uint8_t rest[];
};

/* Entries lie one behind the other in the region; when it is full, all are forgotten. */
struct memo {
	struct entry *place[PLACES];
	uint8_t seed[16];
	uint8_t *region;
	size_t used;
	uint64_t names;  /* how often they were forgotten */
	struct buf text; /* of the pieces, as they are made */
	/* Of what is not kept. */
	struct memo_known known;
	uint8_t *arena;
	struct buf readable;
	size_t npieces, row[MEMO_MAX_PIECES][2]; /* of what is kept as text */
};

size_t memo_ranges(const struct msg_schema *s, size_t row[MEMO_MAX_PIECES][2])
{
	size_t n = 0;

	for (size_t i = 0; i < s->nfields; i++) {
		if (!s->fields[i].of_payload)
			continue;
		if (!i || !s->fields[i - 1].of_payload) {
			assert(n < MEMO_MAX_PIECES);
			row[n++][0] = i;
		}
		row[n - 1][1] = i + 1;
	}
	return n;
}

int memo_new(size_t max_payload, struct memo **out)
{
	struct memo *m = calloc(1, sizeof *m);

	*out = m;
	if (!m)
		return -ENOMEM;
	m->npieces = memo_ranges(&msg_analysis_schema, m->row);
	buf_init(&m->readable, max_payload);
	buf_init(&m->text, 16u << 20);
	/* Memory that was not written to costs nothing. */
	m->region = malloc(REGION_BYTES);
	m->arena = malloc(APP_ARENA_BYTES);
	if (m->region && m->arena && getrandom(m->seed, sizeof m->seed, 0) == sizeof m->seed)
		return 0;
	memo_free(out);
	return -ENOMEM;
}

void memo_free(struct memo **m)
{
	if (!*m)
		return;
	buf_fini(&(*m)->readable);
	buf_fini(&(*m)->text);
	free((*m)->arena);
	free((*m)->region);
	free(*m);
	*m = NULL;
}

void memo_forget(struct memo *m)
{
	m->names++;
	buf_spare(&m->readable, READABLE_KEEP);
}

/* readable: printable ASCII and white space stay, every other byte becomes a dot. */
static void readable(uint8_t *restrict to, const uint8_t *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t c = from[i];
		bool keep = (c >= ' ' && c <= '~') || (c >= '\t' && c <= '\r');
		to[i] = keep ? c : '.';
	}
}

/* know: all of *k but the pieces. text: the payload made readable. */
static void know(const struct app_in *in, struct msg_arena *arena, const uint8_t *text,
		 struct memo_known *k)
{
	uint8_t digest[32];

	*k = (struct memo_known){0};
	app_recognise(in, arena, &k->rec);
	class_of(in->init, &k->rec, k->class);
	k->classed = class_seen_id(k->class, k->class_id);
	who_tool_said(&k->rec, &k->said);
	digest_sha256(&(struct digest_part){in->init.p, in->init.n}, 1, digest);
	digest_hex(digest, sizeof digest, k->sha256);
	k->rec.payload = in->init;
	k->rec.payload_len = in->init.n;
	k->rec.payload_sha256 = bytes_of(k->sha256, 64);
	k->rec.payload_class = bytes_str(*k->class ? k->class : NULL);
	k->rec.readable = bytes_of(text, in->init.n);
}

static size_t aligned(size_t n)
{
	return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* write_pieces: the texts of an entry go to its rest from at on, or stay in m->text if they do not
 * fit in there. False: do not keep the entry. */
static bool write_pieces(struct memo *m, struct entry *e, size_t at)
{
	struct memo_known *k = &e->known;
	size_t end[MEMO_MAX_PIECES];

	buf_reset(&m->text);
	for (size_t i = 0; i < m->npieces; i++) {
		if (msg_json_rows(&msg_analysis_schema, &k->rec, m->row[i][0], m->row[i][1],
				  &m->text))
			return false;
		end[i] = m->text.n;
	}
	bool fits = m->text.n <= MAX_TEXT;
	const uint8_t *p = fits ? memcpy(e->rest + at, m->text.p, m->text.n) : m->text.p;
	for (size_t i = 0; i < m->npieces; i++) {
		size_t from = i ? end[i - 1] : 0;
		k->piece[i] = (struct msg_piece){.from = m->row[i][0],
						 .to = m->row[i][1],
						 .text = bytes_of(p + from, end[i] - from)};
	}
	k->npieces = m->npieces;
	return fits;
}

/* new_entry: recognises at the region's end; the entry stays there if it is small enough. */
static struct entry *new_entry(struct memo *m, const struct app_in *in, const struct key *key,
			       struct entry **place)
{
	size_t payload = aligned(in->init.n), fixed = sizeof(struct entry) + 2 * payload;

	if (REGION_BYTES - m->used < fixed + APP_ARENA_BYTES + MAX_TEXT) {
		memset(m->place, 0, sizeof m->place);
		m->used = 0;
	}
	struct entry *e = (void *)(m->region + m->used);
	struct msg_arena arena = {.p = e->rest + 2 * payload, .n = APP_ARENA_BYTES};
	struct app_in copy = *in;

	e->key = *key;
	copy.init.p = memcpy(e->rest, in->init.p, in->init.n);
	readable(e->rest + payload, in->init.p, in->init.n);
	know(&copy, &arena, e->rest + payload, &e->known);
	bool keep = write_pieces(m, e, 2 * payload + arena.used);
	if (keep && arena.used <= MAX_PARTS) {
		m->used += aligned(fixed + arena.used + m->text.n);
		*place = e;
	}
	return e;
}

static struct key key_of(const struct memo *m, const struct app_in *in, const void *name)
{
	return (struct key){
		.hash = name ? keyed_hash_fold((uintptr_t)name ^ keyed_hash_word(m->seed),
					       keyed_hash_word(m->seed + 8))
			     : keyed_hash(in->init.p, in->init.n, m->seed),
		.name = name,
		.n = (uint32_t)in->init.n,
		.datagram = (uint32_t)in->datagram,
		.src_port = app_port(in->src_port),
		.dst_port = app_port(in->dst_port),
		.proto = in->proto,
		.names = name ? m->names : 0};
}

static size_t place_of(const struct key *key)
{
	return (key->hash ^ key->dst_port * 0x9e3779b9u) & (PLACES - 1);
}

static bool is_of(const struct entry *e, const struct key *key, const uint8_t *payload)
{
	return memcmp(&e->key, key, sizeof *key) == 0 &&
	       (key->name || memcmp(e->rest, payload, key->n) == 0);
}

/* find: the place of the entry, or where it goes: a free place of its set, or the first. */
static struct entry **find(struct memo *m, const struct key *key, const uint8_t *payload)
{
	size_t h = place_of(key);
	struct entry **to = &m->place[h];

	for (size_t i = 0; i < WAYS; i++) {
		struct entry **at = &m->place[h ^ i];
		if (!*at)
			to = *to ? at : to;
		else if (is_of(*at, key, payload))
			return at;
	}
	return to;
}

/* The responder's bytes break ties: with them the result is not the payload's alone. */
static bool worth_keeping(const struct app_in *in)
{
	return in->init.n <= MAX_PAYLOAD && !in->resp.n;
}

int memo_recognise(struct memo *m, const struct app_in *in, const void *name,
		   const struct memo_known **out)
{
	*out = &m->known;
	if (!worth_keeping(in)) {
		struct msg_arena arena = {.p = m->arena, .n = APP_ARENA_BYTES};
		buf_reset(&m->readable);
		uint8_t *text = buf_room(&m->readable, in->init.n);
		if (!text)
			return -ENOMEM;
		readable(text, in->init.p, in->init.n);
		know(in, &arena, in->init.n ? text : in->init.p, &m->known);
		return 0;
	}
	const struct key key = key_of(m, in, name);
	struct entry **place = find(m, &key, in->init.p), *e = *place;
	if (!e || !is_of(e, &key, in->init.p))
		e = new_entry(m, in, &key, place);
	*out = &e->known;
	return 0;
}

void memo_ahead(const struct memo *m, const struct app_in *in, const void *name, bool near)
{
	if (!worth_keeping(in) || (in->init.n && !name))
		return;
	const struct key key = key_of(m, in, name);
	const struct entry *e = m->place[place_of(&key)];
	if (!e)
		return;
	if (!near) {
		for (size_t at = 0; at < offsetof(struct entry, known.class); at += 64)
			__builtin_prefetch((const char *)e + at);
		return;
	}
	size_t n = 0;
	for (size_t i = 0; i < e->known.npieces; i++)
		n += e->known.piece[i].text.n;
	for (size_t at = 0; at < n && at < 1024; at += 64)
		__builtin_prefetch(e->known.piece[0].text.p + at);
}

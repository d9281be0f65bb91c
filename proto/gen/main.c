/*
 * proto_gen: writes what is made from messages.def, and speaks msgpack for tests in other
 * languages.
 *
 *   proto_gen DIR              writes DIR/messages.md and DIR/vectors/
 *   proto_gen --check DIR      says which of them are not as they would be written; 1 if any
 *   proto_gen --decode NAME    decodes a message (by name or topic) from standard input, prints it
 * as JSON
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/codec.h"
#include "reference.h"
#include "sample.h"

#define MAX_FILE (64u << 20)

static bool check; /* compare instead of writing */
static int wrong;  /* files that differ */

static void fail(const char *what, const char *path)
{
	fprintf(stderr, "proto_gen: %s%s%s: %s\n", what, *path ? " " : "", path, strerror(errno));
	exit(1);
}

static void read_all(FILE *f, struct buf *b)
{
	size_t n;
	do {
		uint8_t *to = buf_room(b, 65536);
		if (!to) {
			errno = EFBIG;
			fail("cannot read", "");
		}
		n = fread(to, 1, 65536, f);
		b->n += n;
	} while (n > 0);
}

static bool same(const char *path, struct bytes want)
{
	struct buf is;
	FILE *f = fopen(path, "rb");
	if (!f)
		return false;
	buf_init(&is, MAX_FILE);
	read_all(f, &is);
	fclose(f);
	bool yes = bytes_eq(buf_bytes(&is), want);
	buf_fini(&is);
	return yes;
}

static void output(const char *path, struct bytes data)
{
	if (same(path, data))
		return;
	if (check) {
		fprintf(stderr,
			"proto_gen: %s is not what messages.def says: run proto_gen on its "
			"directory\n",
			path);
		wrong++;
		return;
	}
	FILE *f = fopen(path, "wb");
	if (!f || fwrite(data.p, 1, data.n, f) != data.n || fclose(f) != 0)
		fail("cannot write", path);
}

static void write_vectors(const char *dir, const struct msg_schema *s)
{
	struct buf b;
	char path[1024];
	buf_init(&b, MAX_FILE);
	for (int level = 0; level < SAMPLE_LEVELS; level++) {
		const void *msg = sample_make(s, (enum sample_level)level);
		for (int json = 0; json < 2; json++) {
			buf_reset(&b);
			int rc = json ? msg_json(s, msg, &b) : msg_encode(s, msg, &b);
			if (json)
				buf_addc(&b, '\n');
			if (rc < 0 || b.failed) {
				errno = -rc;
				fail("cannot encode", s->name);
			}
			snprintf(path, sizeof path, "%s/vectors/%s.%s.%s", dir, s->name,
				 sample_names[level], json ? "json" : "msgpack");
			output(path, buf_bytes(&b));
		}
		sample_free();
	}
	buf_fini(&b);
}

static void write_files(const char *dir)
{
	struct buf b;
	char path[1024];
	snprintf(path, sizeof path, "%s/vectors", dir);
	if (!check && mkdir(path, 0755) < 0 && errno != EEXIST)
		fail("cannot make", path);
	/* What travels by itself; parts are inside. */
	for (size_t i = 0; msg_schemas[i]; i++) {
		if (msg_schemas[i]->topic[0] || msg_schemas[i] == &msg_envelope_schema)
			write_vectors(dir, msg_schemas[i]);
	}
	buf_init(&b, MAX_FILE);
	reference_write(&b);
	snprintf(path, sizeof path, "%s/messages.md", dir);
	output(path, buf_bytes(&b));
	buf_fini(&b);
}

static int decode(const char *name)
{
	const struct msg_schema *s = NULL;
	for (size_t i = 0; msg_schemas[i] && !s; i++) {
		if (strcmp(msg_schemas[i]->name, name) == 0)
			s = msg_schemas[i];
	}
	if (!s)
		s = msg_schema_of(bytes_str(name));
	if (!s) {
		fprintf(stderr, "proto_gen: no message %s\n", name);
		return 2;
	}
	struct buf in, out;
	buf_init(&in, MAX_FILE);
	buf_init(&out, MAX_FILE);
	read_all(stdin, &in);
	struct msg_arena arena = {.p = malloc(MAX_FILE), .n = MAX_FILE};
	void *msg = malloc(s->size);
	int rc = arena.p && msg ? msg_decode(s, buf_bytes(&in), msg, &arena) : -ENOMEM;
	if (rc == 0)
		rc = msg_json(s, msg, &out);
	if (rc < 0)
		fprintf(stderr, "proto_gen: %s: %s\n", name, strerror(-rc));
	else
		printf("%.*s\n", (int)out.n, (const char *)out.p);
	free(msg);
	free(arena.p);
	buf_fini(&in);
	buf_fini(&out);
	return rc < 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--decode") == 0)
		return decode(argv[2]);
	check = argc == 3 && strcmp(argv[1], "--check") == 0;
	if (!check && (argc != 2 || argv[1][0] == '-')) {
		fprintf(stderr, "usage: proto_gen [--check] DIR | --decode NAME\n");
		return 2;
	}
	write_files(argv[argc - 1]);
	return wrong > 0;
}

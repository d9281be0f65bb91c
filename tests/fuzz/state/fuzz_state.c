/*
 * The small files that services keep what they know in, after a power cut or somebody's editor: any
 * bytes are read or put aside, and what is written after them is read again.
 *
 * The first byte says which file, the rest is what is in it: o observed, e ledger, a counters_file,
 * s seallog, f the forwarder's offset, c the seen classes, C the rows of those, under a header that
 * is right.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "class/class_table.h"
#include "flowagg/seallog.h"
#include "forwarder/offset.h"
#include "rt/loop.h"
#include "storage/counters_file.h"
#include "storage/ledger.h"
#include "storage/observed.h"
#include "storage/records.h"

static char dir[] = "/dev/shm/lurker-fuzz-XXXXXX", now_dir[64];

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "violated: %s\n", what);
	abort();
}

static void empty(void)
{
	char cmd[128];

	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	if (system(cmd))
		abort();
}

static const char *file(const char *name, struct bytes text)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	require(fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n, "the file is there");
	close(fd);
	return path;
}

static void observed(struct bytes text)
{
	const struct observed_change news = {7, "10.0.0.7", "192.0.2.7"};
	struct observed before = {0}, after = {0};
	char pair[OBSERVED_PAIR];
	bool is_news;

	file("observed", text);
	require(observed_load(&before, dir) == 0 && before.n <= OBSERVED_MAX, "a history");
	observed_of_key(&before, "pcap/2024/10/04/12/bundle_12_1.pcap", pair);
	for (size_t i = 0; i < before.n; i++)
		require(strlen(before.v[i].private_addr) && strlen(before.v[i].public_addr),
			"addresses");
	require(observed_note(dir, &news, &is_news) == 0, "a change is noted");
	require(observed_load(&after, dir) == 0, "it is read again");
	size_t gone = is_news && before.n == OBSERVED_MAX;
	require(after.n == before.n - gone + is_news, "one more");
	for (size_t i = gone; i < before.n; i++)
		require(memcmp(&before.v[i], &after.v[i - gone], sizeof news) == 0,
			"the others stay");
	const struct observed_change *last = observed_at(&after, news.private_addr, UINT64_MAX);
	require(last && strcmp(last->public_addr, news.public_addr) == 0, "it is the last");
	observed_fini(&before);
	observed_fini(&after);
}

static int sum_line(void *arg, const struct ledger_line *e)
{
	require(e->consumer[0] && (!e->key || e->key[0]), "a name");
	uint64_t *sum = arg;
	sum[0] += e->packets;
	sum[1] += e->entries;
	return 0;
}

static void ledger(struct bytes text)
{
	const struct ledger_line more = {"analyzer", "pcap/2024/10/04/12/bundle_12_1.pcap", 5, 1};
	const char *path = file("evicted", text);
	struct ledger l;
	uint64_t before[2] = {0}, after[2] = {0};

	require(ledger_read(path, sum_line, before) == 0, "any bytes are read");
	ledger_init(&l, path, 0);
	/* The second one finds the file too large: what is older is added up. */
	for (uint64_t i = 0; i < 2; i++)
		require(ledger_add(&l, &more, 1) == 0, "one is added");
	ledger_close(&l);
	require(ledger_read(path, sum_line, after) == 0, "they are read again");
	require(after[0] == before[0] + 10 && after[1] == before[1] + 2, "every packet is counted");
}

/* How many whole lines the file of counters has. */
static unsigned lines(void)
{
	struct records_reader *r;
	struct records_pos pos;
	struct bytes line;
	unsigned n = 0;

	require(records_reader_open(now_dir, (struct records_pos){0}, &r) == 0, "records");
	while (records_next(r, &line, &pos) == 1)
		n++;
	require(records_reader_skipped(r) == 0, "only whole lines are taken over");
	records_reader_close(&r);
	return n;
}

static void counters_file(struct bytes text)
{
	struct counters_file *a;

	require(counters_file_open(dir, "fuzz", &a) == 0, "a folder");
	counters_file_close(&a);
	file("stat/fuzz/now", text);
	require(counters_file_open(dir, "fuzz", &a) == 0, "any bytes are taken over or left");
	unsigned taken = lines();
	require(taken <= 1, "one line at most");
	require(counters_file_note(a, clock_real_ns(), bytes_str("{\"seq\":1}"), false) == 0,
		"a note");
	require(lines() == taken + 1, "its line");
	counters_file_close(&a);
	empty();
	require(mkdir(dir, 0700) == 0, "empty again");
}

static void seallog(struct bytes text)
{
	const char *path = file("seals", text);
	struct seallog l;
	struct seal_record last = {.number = 3};

	require(seallog_open(path, 2, &l) == 0, "any bytes are a log");
	require(l.n <= text.n / SEALLOG_RECORD && l.nknown <= l.n, "no more than there are");
	for (size_t i = 0; i < l.nknown; i++) {
		require(l.known[i].number > (i ? l.known[i - 1].number : 1), "numbers ascend");
		last.number = l.known[i].number + 1;
	}
	uint64_t n = l.n;
	require(seallog_add(&l, &last, 1) == 0, "one is added");
	seallog_close(&l);
	require(seallog_open(path, 2, &l) == 0 && l.n == n + 1, "it is there");
	if (last.number >= 2) /* the greatest number has none after it */
		require(seallog_knows(&l, &last), "it is known");
	seallog_close(&l);
}

static void offset(struct bytes text)
{
	const char *path = file("offset", text);
	struct records_pos a, b;

	int rc = offset_load(path, &a);
	require(rc == 0 || rc == -EINVAL, "a place, or none");
	if (rc)
		return;
	require(offset_save(path, a) == 0 && offset_load(path, &b) == 0, "it is read again");
	require(a.day == b.day && a.offset == b.offset, "it is the same place");
}

static void seen(struct bytes text)
{
	const uint8_t id[CLASS_SEEN_ID] = "a class";
	const char *path = file("seen", text);
	struct class_seen *a, *b;

	require(class_seen_new(16, &a) == 0, "a table");
	require(class_seen_new(16, &b) == 0, "another");
	int rc = class_seen_load(a, path);
	require(rc == 0 || rc == -EBADMSG, "a table, or none");
	require(!rc || (a->stats.classes == 0 && access(path, F_OK) != 0),
		"a damaged one is put aside");
	require(a->stats.classes <= 16, "bounded");
	class_seen_note_id(a, id, UINT64_MAX);
	require(class_seen_save(a, path) == 0 && class_seen_load(b, path) == 0, "it is read again");
	require(a->stats.classes == b->stats.classes, "all of it");
	for (size_t i = 0; i < a->sets * SEEN_WAYS; i++)
		if (a->v[i].ts_ns)
			require(!class_seen_put(b, a->v[i].id, 1), "each class is known");
	class_seen_free(&a);
	class_seen_free(&b);
}

static void seen_rows(struct bytes rows)
{
	struct buf b;
	uint8_t header[48] = "LKSEEN\1";

	header[7] = CLASS_VERSION;
	for (unsigned i = 0; i < 8; i++)
		header[8 + i] = (uint8_t)(rows.n / (CLASS_SEEN_ID + 8) >> 8 * i);
	crypto_hash_sha256(header + 16, rows.p, rows.n);
	buf_init(&b, 1u << 20);
	buf_add(&b, header, sizeof header);
	require(buf_add(&b, rows.p, rows.n) == 0, "memory");
	seen(buf_bytes(&b));
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct {
		char first;
		void (*fn)(struct bytes text);
	} files[] = {{'o', observed}, {'e', ledger}, {'a', counters_file}, {'s', seallog},
		     {'f', offset},   {'c', seen},   {'C', seen_rows}};

	if (!n)
		return 0;
	if (!now_dir[0]) {
		require(mkdtemp(dir) != NULL, "mkdtemp");
		snprintf(now_dir, sizeof now_dir, "%s/stat/fuzz", dir);
		atexit(empty);
	}
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (data[0] == (uint8_t)files[i].first) {
			files[i].fn(bytes_of(data + 1, n - 1));
			break;
		}
	return 0;
}

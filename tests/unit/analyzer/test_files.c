#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/file_walk.h"
#include "files/record_diff.h"
#include "read/packet_filter.h"
#include "reassembly/block_pool.h"
#include "table/pager.h"
#include "table/payload_store.h"

static char dir[64];

static void make_dir(void)
{
	strcpy(dir, "/tmp/lurker-test-XXXXXX");
	cr_assert(ne(ptr, mkdtemp(dir), NULL));
}

static void write_file(const char *name, const char *text)
{
	char path[200];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	cr_assert(ne(ptr, f, NULL));
	fputs(text, f);
	fclose(f);
}

static void remove_dir(void)
{
	char command[100];
	snprintf(command, sizeof command, "rm -rf %s", dir);
	cr_assert(eq(int, system(command), 0));
}

TestSuite(files, .init = make_dir, .fini = remove_dir);

Test(files, walk_in_order_of_names)
{
	static const char *const names[] = {"b", "a/z", "a/y", "c", "a/x/deep"};
	char path[200];
	const char *got;
	bool named;
	struct file_walk *w;
	snprintf(path, sizeof path, "%s/a", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/a/x", dir);
	mkdir(path, 0700);
	for (size_t i = 0; i < 5; i++)
		write_file(names[i], "");
	snprintf(path, sizeof path, "%s/link", dir);
	cr_assert(eq(int, symlink("b", path), 0));
	char missing[200];
	snprintf(missing, sizeof missing, "%s/missing", dir);
	char *operands[] = {dir, (char *)(uintptr_t) "-", missing, path};
	cr_assert(eq(int, file_walk_new(operands, 4, &w), 0));
	static const char *const want[] = {"a/x/deep", "a/y", "a/z", "b", "c"};
	for (size_t i = 0; i < 5; i++) {
		cr_assert(eq(int, file_walk_next(w, &got, &named), 1));
		cr_assert(eq(str, (char *)(uintptr_t)got + strlen(dir) + 1,
			     (char *)(uintptr_t)want[i]));
		cr_assert(not(named));
	}
	cr_assert(eq(int, file_walk_next(w, &got, &named), 1));
	cr_assert(eq(str, (char *)(uintptr_t)got, (char *)"-"));
	cr_assert(named);
	cr_assert(eq(int, file_walk_next(w, &got, &named), -ENOENT));
	cr_assert(eq(int, file_walk_next(w, &got, &named), 1)); /* a link that was named */
	cr_assert(eq(int, file_walk_next(w, &got, &named), 0));
	file_walk_free(&w);
}

Test(files, keys_of_an_archive)
{
	cr_assert(eq(str,
		     (char *)(uintptr_t)file_walk_key(
			     "/var/lib/lurker/objects/pcap/2026/11/21/10/x.pcap"),
		     (char *)"pcap/2026/11/21/10/x.pcap"));
	cr_assert(eq(str, (char *)(uintptr_t)file_walk_key("pcap/2026/11/21/10/x.pcap"),
		     (char *)"pcap/2026/11/21/10/x.pcap"));
	cr_assert(eq(str, (char *)(uintptr_t)file_walk_key("my-pcap/2026/11/21/10/x"),
		     (char *)"my-pcap/2026/11/21/10/x"));
	cr_assert(eq(str, (char *)(uintptr_t)file_walk_key("a/pcap/x.pcap"),
		     (char *)"a/pcap/x.pcap"));
}

/* In memory, partly and not at all: what comes back is the same. */
Test(files, pager_gives_back_what_it_got)
{
	static const size_t memories[] = {0, 1 << 20, 64 << 20};
	uint64_t place[300];
	uint8_t *data = malloc(3 << 20), *back = malloc(3 << 20);
	for (uint32_t i = 0; i < 3u << 20; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t m = 0; m < sizeof memories / sizeof memories[0]; m++) {
		struct pager *p;
		size_t on_disk = 0;
		cr_assert(eq(int, pager_new(dir, memories[m], &p), 0));
		for (size_t i = 0; i < 300; i++) {
			size_t n = i == 77 ? 2 << 20 : i * 97, first = n / 3;
			struct bytes part[] = {bytes_of(data + i, first),
					       {0},
					       bytes_of(data + i + first, n - first)};
			cr_assert(eq(int, pager_write(p, part, 3, &place[i]), 0));
			on_disk += pager_on_disk(p, place[i]);
		}
		cr_assert(m == 0 ? on_disk == 300 : m == 1 ? on_disk && on_disk < 300 : !on_disk);
		for (size_t k = 0; k < 300; k++) {
			size_t i = k * 7 % 300, n = i == 77 ? 2 << 20 : i * 97;
			cr_assert(eq(int, pager_read(p, place[i], back, n), 0));
			cr_assert(eq(int, memcmp(back, data + i, n), 0), "%zu", i);
		}
		cr_assert(eq(int, pager_read(p, pager_end(p), back, 1), -EIO));
		cr_assert(eq(int, pager_read(p, 1u << 30, back, 1), -EIO));
		pager_free(&p);
		pager_free(&p);
	}
	free(data);
	free(back);
}

Test(files, pager_without_a_directory)
{
	struct pager *p;
	uint64_t place;
	uint8_t *big = calloc(1, 2 << 20);
	struct bytes all = bytes_of(big, 2 << 20), kept = bytes_str("kept");
	cr_assert(eq(int, pager_new("/nonexistent", 1 << 20, &p), 0));
	cr_assert(eq(int, pager_write(p, &kept, 1, &place), 0));
	cr_assert(eq(int, pager_write(p, &all, 1, &place), -ENOENT));
	char back[4];
	cr_assert(eq(int, pager_read(p, 0, back, 4), 0)); /* what was there stays */
	cr_assert(eq(int, memcmp(back, "kept", 4), 0));
	pager_free(&p);
	free(big);
}

Test(files, pool_gives_room_of_every_size)
{
	uint8_t *p[3000];
	for (int round = 0; round < 3; round++) {
		for (size_t n = 0; n < 3000; n++) {
			p[n] = block_take(n);
			cr_assert(p[n] != NULL);
			memset(p[n], (int)n, n);
		}
		for (size_t n = 0; n < 3000; n++) {
			for (size_t i = 0; i < n; i++)
				cr_assert(p[n][i] == (uint8_t)n, "%zu", n);
			block_give(p[n], n);
		}
	}
	block_give(NULL, 7);
}

Test(files, store_keeps_each_payload_once)
{
	static uint8_t data[4096];
	struct payload_store *s;
	const uint8_t *kept[100];
	size_t refused = 0;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	cr_assert(eq(int, payload_store_new(64 << 10, &s), 0));
	for (size_t i = 0; i < 100; i++) {
		kept[i] = payload_store_put(s, data + i, i + 1);
		cr_assert(kept[i] && memcmp(kept[i], data + i, i + 1) == 0);
	}
	for (size_t i = 0; i < 100; i++)
		cr_assert(eq(ptr, (void *)(uintptr_t)payload_store_put(s, data + i, i + 1),
			     (void *)(uintptr_t)kept[i]));
	for (size_t i = 0; i < 40; i++)
		refused += !payload_store_put(s, data + i, 4000);
	cr_assert(gt(sz, refused, 0)); /* full: those that are in are still found */
	for (size_t i = 0; i < 100; i++)
		cr_assert(eq(ptr, (void *)(uintptr_t)payload_store_put(s, data + i, i + 1),
			     (void *)(uintptr_t)kept[i]));
	payload_store_free(&s);
	payload_store_free(&s);
}

#define A "00112233445566778899aabbccddeeff"
#define B "ffeeddccbbaa99887766554433221100"
#define C "0123456789abcdef0123456789abcdef"

static char *run_diff(const char *const *records, size_t n, uint64_t *found)
{
	char path[200], *text = NULL;
	size_t len;
	struct record_diff *d;
	uint64_t line;
	snprintf(path, sizeof path, "%s/old", dir);
	cr_assert(eq(int, record_diff_new(path, &d, &line), 0), "line %llu",
		  (unsigned long long)line);
	FILE *out = open_memstream(&text, &len);
	for (size_t i = 0; i < n; i++)
		cr_assert(eq(int, record_diff_record(d, records[i], out), 0));
	cr_assert(eq(int, record_diff_rest(d, out), 0));
	fclose(out);
	*found = record_diff_found(d);
	record_diff_free(&d);
	return text;
}

Test(files, diff_tells_what_changed)
{
	uint64_t found;
	write_file("old", "{\"flow_id\":\"" A "\",\"app\":\"http\",\"s3path\":\"x\",\"gone\":1}\n"
			  "\n{\"flow_id\":\"" B
			  "\",\"packets\":3,\"first_seen\":true}\n{\"flow_id\":\"" C "\"}\n");
	const char *now[] = {"{\"flow_id\":\"" A
			     "\",\"app\":\"tls\",\"s3path\":\"y\",\"two_phase\":true,\"came\":2}",
			     "{\"flow_id\":\"" B "\",\"packets\":3}",
			     "{\"flow_id\":\"deadbeefdeadbeefdeadbeefdeadbeef\"}"};
	char *text = run_diff(now, 3, &found);
	cr_assert(eq(u64, found, 3));
	cr_assert(eq(
		str, text,
		(char *)"{\"flow_id\":\"" A
			"\",\"changed\":{\"app\":[\"http\",\"tls\"],\"gone\":[1,null],\"came\":[null,2]}}\n"
			"{\"flow_id\":\"deadbeefdeadbeefdeadbeefdeadbeef\",\"only\":\"new\"}\n"
			"{\"flow_id\":\"" C "\",\"only\":\"old\"}\n"));
	free(text);
}

/* A service that was killed may write a record twice. */
Test(files, diff_knows_records_that_came_twice)
{
	uint64_t found;
	write_file("old", "{\"flow_id\":\"" B "\"}\n{\"flow_id\":\"" A "\",\"packets\":1}\n"
			  "{\"flow_id\":\"" A "\",\"packets\":2}\n{\"flow_id\":\"" B "\"}\n");
	const char *now[] = {"{\"flow_id\":\"" A "\",\"packets\":1}", "{\"flow_id\":\"" B "\"}"};
	char *text = run_diff(now, 2, &found);
	cr_assert(eq(str, text, (char *)""));
	cr_assert(eq(u64, found, 0));
	free(text);
}

Test(files, diff_refuses_what_is_no_record)
{
	struct record_diff *d;
	uint64_t line;
	char path[200];
	write_file("old", "{\"flow_id\":\"" A "\"}\nnonsense\n");
	snprintf(path, sizeof path, "%s/old", dir);
	cr_assert(eq(int, record_diff_new(path, &d, &line), -EBADMSG));
	cr_assert(eq(u64, line, 2));
	cr_assert(eq(int, record_diff_new("/nonexistent/x", &d, &line), -ENOENT));
	write_file("old", "");
	cr_assert(eq(int, record_diff_new(path, &d, &line), 0));
	cr_assert(eq(int, record_diff_record(d, "not json", stdout), -EBADMSG));
	cr_assert(eq(int, record_diff_record(d, "{\"flow_id\":\"short\"}", stdout), -EBADMSG));
	record_diff_free(&d);
}

Test(files, filter_on_several_link_types)
{
	static const uint8_t ip[28] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 1, 2,
				       3,    4, 5, 6,  7, 8, 0, 9, 0,  53, 0, 8, 0, 0};
	uint8_t ether[42] = {[12] = 8};
	struct packet_filter *f;
	const char *why;
	char err[256];
	memcpy(ether + 14, ip, sizeof ip);
	cr_assert(eq(int, packet_filter_new("udp port (", &f, err, sizeof err), -EINVAL));
	cr_assert(ne(str, err, (char *)""));
	cr_assert(eq(int, packet_filter_new("udp port 53", &f, err, sizeof err), 0));
	struct capfile_packet k = {.caplen = 42, .len = 42, .linktype = 1, .data = ether};
	cr_assert(eq(int, packet_filter_match(f, &k, &why), 1));
	static const int raw[] = {12, 14, 101};
	for (size_t i = 0; i < 3; i++) {
		k = (struct capfile_packet){
			.caplen = 28, .len = 28, .linktype = raw[i], .data = ip};
		cr_assert(eq(int, packet_filter_match(f, &k, &why), 1));
	}
	/* BSD loopback of machines of either byte order. */
	for (int order = 0; order < 2; order++) {
		uint8_t null[32] = {[0] = order ? 0 : 2, [3] = order ? 2 : 0};
		memcpy(null + 4, ip, sizeof ip);
		k = (struct capfile_packet){.caplen = 32, .len = 32, .linktype = 0, .data = null};
		cr_assert(eq(int, packet_filter_match(f, &k, &why), 1));
		null[27] = 54;
		cr_assert(eq(int, packet_filter_match(f, &k, &why), 0));
	}
	ether[37] = 54;
	k = (struct capfile_packet){.caplen = 42, .len = 42, .linktype = 1, .data = ether};
	cr_assert(eq(int, packet_filter_match(f, &k, &why), 0));
	for (int link = 200; link < 230; link++) { /* more than are kept */
		k.linktype = link;
		(void)packet_filter_match(f, &k, &why);
	}
	packet_filter_free(&f);
	packet_filter_free(&f);
	cr_assert(eq(int, packet_filter_new("ether host 1:2:3:4:5:6", &f, err, sizeof err), 0));
	k = (struct capfile_packet){.caplen = 28, .len = 28, .linktype = 101, .data = ip};
	cr_assert(eq(int, packet_filter_match(f, &k, &why), -EINVAL)); /* has no meaning there */
	cr_assert(ne(ptr, strstr(why, "ether"), NULL), "%s", why);
	packet_filter_free(&f);
}

/* capfile: pcap, gzip around it, pipes and mapped files. */
#include <errno.h>
#include <unistd.h>
#include <zlib.h>

#include "capture_bytes.h"

Test(pcap, both_orders_and_resolutions)
{
	for (int swap = 0; swap < 2; swap++) {
		for (int nano = 0; nano < 2; nano++) {
			struct bytes_out *o = new_out();
			o->swap = swap;
			pcap_header(o, nano ? 0xa1b23c4d : 0xa1b2c3d4, 2, 4, 0xf4000001);
			u32(o, 1700000000);
			u32(o, 123456);
			u32(o, 3);
			u32(o, 60);
			raw(o, "abc", 3);
			struct capfile *c = open_it(o);
			struct capfile_packet k;
			cr_assert(eq(int, capfile_next(c, &k), 1));
			cr_assert(eq(u64, k.ts_ns,
				     1700000000000000000u + (nano ? 123456 : 123456000)));
			cr_assert(eq(u32, k.caplen, 3));
			cr_assert(eq(u32, k.len, 60));
			cr_assert(eq(int, k.linktype,
				     1)); /* without the bits about the check sequence */
			cr_assert(eq(int, memcmp(k.data, "abc", 3), 0));
			cr_assert(eq(u64, capfile_offset(c), 24 + 16 + 3));
			cr_assert(eq(int, capfile_next(c, &k), 0));
			cr_assert(eq(int, capfile_next(c, &k), 0));
			capfile_close(&c);
			cr_assert(eq(ptr, c, NULL));
			free(o);
		}
	}
}

Test(pcap, old_versions_swap_lengths)
{
	static const struct {
		uint16_t major, minor;
		uint32_t first, second, caplen, len;
	} rows[] = {{2, 2, 60, 3, 3, 60},
		    {2, 3, 60, 3, 3, 60},
		    {2, 3, 3, 60, 3, 60},
		    {543, 0, 60, 3, 3, 60},
		    {2, 4, 3, 2, 3, 3}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes_out *o = new_out();
		pcap_header(o, 0xa1b2c3d4, rows[i].major, rows[i].minor, 1);
		u32(o, 1);
		u32(o, 2);
		u32(o, rows[i].first);
		u32(o, rows[i].second);
		raw(o, "abc", 3);
		struct capfile *c = open_it(o);
		struct capfile_packet k;
		cr_assert(eq(int, capfile_next(c, &k), 1), "row %zu", i);
		cr_assert(eq(u32, k.caplen, rows[i].caplen));
		cr_assert(eq(u32, k.len, rows[i].len));
		capfile_close(&c);
		free(o);
	}
}

Test(pcap, modified_format)
{
	struct bytes_out *o = new_out();
	pcap_header(o, 0xa1b2cd34, 2, 4, 1);
	u32(o, 1);
	u32(o, 2);
	u32(o, 3);
	u32(o, 3);
	raw(o, "ifprpktp", 8);
	raw(o, "abc", 3);
	struct capfile *c = open_it(o);
	struct capfile_packet k;
	cr_assert(eq(int, capfile_next(c, &k), 1));
	cr_assert(eq(int, memcmp(k.data, "abc", 3), 0));
	cr_assert(eq(int, capfile_next(c, &k), 0));
	capfile_close(&c);
	free(o);
}

Test(pcap, breaks_are_told_with_their_offset)
{
	struct bytes_out *o = new_out();
	pcap_header(o, 0xa1b2c3d4, 2, 4, 1);
	for (int i = 0; i < 2; i++) {
		u32(o, 1);
		u32(o, 2);
		u32(o, 3);
		u32(o, 3);
		raw(o, "abc", 3);
	}
	struct capfile *c;
	struct capfile_packet k;
	for (size_t n = 24 + 19 + 1; n < o->n; n++) {
		char err[200];
		cr_assert(eq(int, capfile_open_memory(o->b, n, &c, err, sizeof err), 0));
		cr_assert(eq(int, capfile_next(c, &k), 1));
		cr_assert(eq(int, capfile_next(c, &k), -EBADMSG), "%zu", n);
		cr_assert(eq(int, capfile_next(c, &k), -EBADMSG));
		cr_assert(eq(u64, capfile_offset(c), 24 + 19));
		cr_assert(strstr(capfile_error(c), "at byte 43") != NULL, "%s", capfile_error(c));
		capfile_close(&c);
	}
	uint32_t huge = CAPFILE_MAX_PACKET + 1;
	memcpy(o->b + 24 + 19 + 8, &huge, 4);
	c = open_it(o);
	cr_assert(eq(int, capfile_next(c, &k), 1));
	cr_assert(eq(int, capfile_next(c, &k), -EBADMSG));
	cr_assert(strstr(capfile_error(c), "impossible") != NULL);
	capfile_close(&c);
	free(o);
}

Test(capfile, no_capture)
{
	static const char *const bad[] = {"", "ab", "GET / HTTP/1.0\r\n\r\n and a good deal more",
					  "\x0a\x0d\x0d\x0a", "\xd4\xc3\xb2\xa1\2\0\4\0"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct capfile *c;
		char err[200] = "";
		size_t n = i == 4 ? 8 : strlen(bad[i]);
		cr_assert(eq(int, capfile_open_memory(bad[i], n, &c, err, sizeof err), -EBADMSG),
			  "row %zu", i);
		cr_assert(eq(ptr, c, NULL));
		cr_assert(ne(str, err, (char *)""));
	}
	struct capfile *c;
	char err[200];
	cr_assert(eq(int, capfile_open("/nonexistent/file", &c, err, sizeof err), -ENOENT));
	cr_assert(eq(int, capfile_open("/", &c, err, sizeof err), -EISDIR));
}

/* packets: a pcap of n packets of a kilobyte, gzip-compressed in two members. */
static size_t gzipped(uint8_t *out, size_t cap, unsigned n)
{
	struct bytes_out *o = new_out();
	size_t total = 0;
	pcap_header(o, 0xa1b2c3d4, 2, 4, 1);
	for (unsigned i = 0; i < n; i++) {
		uint8_t data[1000];
		for (size_t k = 0; k < sizeof data; k++)
			data[k] = (uint8_t)(i * 31 + k * k);
		u32(o, i);
		u32(o, 0);
		u32(o, sizeof data);
		u32(o, sizeof data);
		raw(o, data, sizeof data);
	}
	for (int half = 0; half < 2; half++) {
		z_stream z = {0};
		size_t from = half ? o->n / 2 : 0, to = half ? o->n : o->n / 2;
		deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
		z.next_in = o->b + from;
		z.avail_in = (uInt)(to - from);
		z.next_out = out + total;
		z.avail_out = (uInt)(cap - total);
		cr_assert(eq(int, deflate(&z, Z_FINISH), Z_STREAM_END));
		total += z.total_out;
		deflateEnd(&z);
	}
	free(o);
	return total;
}

Test(gzip, members_trailing_bytes_and_breaks)
{
	uint8_t *z = malloc(1 << 20);
	size_t n = gzipped(z, 1 << 20, 900);
	struct capfile *c;
	struct capfile_packet k;
	char err[200];
	unsigned count = 0;
	int rc;

	memcpy(z + n, "\0\0\0\0", 4); /* padding after the last member */
	cr_assert(eq(int, capfile_open_memory(z, n + 4, &c, err, sizeof err), 0));
	while (capfile_next(c, &k) == 1)
		cr_assert(eq(u64, k.ts_ns, (uint64_t)count++ * 1000000000u));
	cr_assert(eq(u32, count, 900));
	cr_assert(eq(str, (char *)capfile_error(c), (char *)""));
	capfile_close(&c);

	memcpy(z + n, "\0\0tail", 6); /* and what is neither padding nor a member */
	cr_assert(eq(int, capfile_open_memory(z, n + 6, &c, err, sizeof err), 0));
	for (count = 0; (rc = capfile_next(c, &k)) == 1;)
		count++;
	cr_assert(eq(u32, count, 900));
	cr_assert(eq(int, rc, -EBADMSG));
	cr_assert(strstr(capfile_error(c), "follow") != NULL);
	capfile_close(&c);

	cr_assert(eq(int, capfile_open_memory(z, n / 2, &c, err, sizeof err), 0));
	count = 0;
	while ((rc = capfile_next(c, &k)) == 1)
		count++;
	cr_assert(gt(u32, count, 0));
	cr_assert(eq(int, rc, -EBADMSG));
	cr_assert(strstr(capfile_error(c), "gzip") != NULL);
	cr_assert(strstr(capfile_error(c), " (uncompressed)") != NULL);
	capfile_close(&c);

	z[n / 3] ^= 0x55;
	z[n / 3 + 1] ^= 0x55;
	cr_assert(eq(int, capfile_open_memory(z, n, &c, err, sizeof err), 0));
	while ((rc = capfile_next(c, &k)) == 1)
		;
	cr_assert(eq(int, rc, -EBADMSG));
	capfile_close(&c);
	free(z);
}

Test(capfile, from_a_pipe)
{
	int fd[2];
	struct bytes_out *o = new_out();
	pcap_header(o, 0xa1b2c3d4, 2, 4, 1);
	for (int i = 0; i < 20; i++) {
		u32(o, 1);
		u32(o, 2);
		u32(o, 3);
		u32(o, 3);
		raw(o, "abc", 3);
	}
	cr_assert(eq(int, pipe(fd), 0));
	cr_assert(eq(int, (int)write(fd[1], o->b, o->n), (int)o->n));
	close(fd[1]);
	struct capfile *c;
	struct capfile_packet k;
	char err[200];
	int count = 0;
	cr_assert(eq(int, capfile_open_fd(fd[0], &c, err, sizeof err), 0));
	while (capfile_next(c, &k) == 1)
		count++;
	cr_assert(eq(int, count, 20));
	capfile_close(&c);
	free(o);
}

Test(writer, what_it_writes_reads_back)
{
	uint8_t b[PCAP_FILE_HEADER + PCAP_RECORD_HEADER + 2];
	pcap_put_header(b, 113, 2048);
	pcap_put_record(b + PCAP_FILE_HEADER, 1700000000987654321u, 2, 77);
	memcpy(b + PCAP_FILE_HEADER + PCAP_RECORD_HEADER, "xy", 2);
	struct capfile *c;
	struct capfile_packet k;
	char err[200];
	cr_assert(eq(int, capfile_open_memory(b, sizeof b, &c, err, sizeof err), 0));
	cr_assert(eq(int, capfile_next(c, &k), 1));
	cr_assert(eq(u64, k.ts_ns, 1700000000987654321u));
	cr_assert(eq(u32, k.caplen, 2));
	cr_assert(eq(u32, k.len, 77));
	cr_assert(eq(int, k.linktype, 113));
	cr_assert(eq(int, capfile_next(c, &k), 0));
	capfile_close(&c);
}

/* Packets that are said to be at hand leave the earlier ones where they are; over several fillings
 * of the buffer. */
Test(pcap, at_hand_moves_nothing)
{
	struct bytes_out *o = new_out();
	struct capfile_packet k[64];
	size_t n = 0, batches = 0, packets = 0;

	pcap_header(o, 0xa1b2c3d4, 2, 4, 1);
	for (uint32_t i = 0; i < 900; i++) {
		uint8_t body[1000];
		memset(body, (int)i, sizeof body);
		u32(o, 1);
		u32(o, 2);
		u32(o, 100 + i);
		u32(o, 100 + i);
		raw(o, body, 100 + i);
	}
	struct capfile *c = open_it(o);
	while (capfile_next(c, &k[n]) == 1) {
		n++;
		if (n < 64 && capfile_at_hand(c))
			continue;
		for (size_t i = 0; i < n; i++, packets++)
			for (uint32_t b = 0; b < k[i].caplen; b++)
				cr_assert(k[i].data[b] == (uint8_t)packets);
		n = 0;
		batches++;
	}
	cr_assert(eq(sz, packets, 900));
	cr_assert(lt(sz, batches, 30)); /* it does say so */
	cr_assert(not(capfile_at_hand(c)));
	capfile_close(&c);
	free(o);
}

/* A large file, whose packets can be read again in any order, until somebody cuts it short. */
Test(pcap, a_mapped_file)
{
	enum { N = 3000, BODY = 1000 };
	static uint64_t place[N];
	char name[] = "/tmp/lurker-test-XXXXXX", err[200];
	int fd = mkstemp(name);
	FILE *f = fdopen(dup(fd), "w");
	uint8_t head[PCAP_FILE_HEADER], record[PCAP_RECORD_HEADER + BODY];
	struct capfile *c;
	struct capfile_packet k;

	unlink(name);
	pcap_put_header(head, 1, 65535);
	fwrite(head, 1, sizeof head, f);
	for (size_t i = 0; i < N; i++) {
		pcap_put_record(record, i, BODY, BODY);
		memset(record + PCAP_RECORD_HEADER, (int)i, BODY);
		fwrite(record, 1, sizeof record, f);
	}
	fclose(f);
	cr_assert(eq(int, lseek(fd, 0, SEEK_SET), 0));
	cr_assert(eq(int, capfile_open_fd(dup(fd), &c, err, sizeof err), 0));
	for (size_t i = 0; i < N; i++) {
		cr_assert(eq(int, capfile_next(c, &k), 1));
		cr_assert(eq(u64, k.ts_ns, i));
		place[i] = k.place;
	}
	cr_assert(eq(int, capfile_next(c, &k), 0));
	cr_assert(eq(u64, capfile_offset(c), sizeof head + N * sizeof record));
	for (size_t i = N; i-- > 0;) {
		cr_assert(capfile_again(c, place[i], &k));
		cr_assert(eq(u64, k.ts_ns, i));
		cr_assert(eq(u32, k.caplen, BODY));
		cr_assert(eq(int, k.data[BODY - 1], (uint8_t)i));
	}
	cr_assert(eq(int, ftruncate(fd, 1 << 20), 0));
	cr_assert(capfile_again(c, place[0], &k));
	cr_assert(not(capfile_again(c, place[N - 1], &k)));
	capfile_close(&c);
	/* Cut short while it is read for the first time. */
	cr_assert(eq(int, ftruncate(fd, 2 << 20), 0));
	cr_assert(eq(int, lseek(fd, 0, SEEK_SET), 0));
	cr_assert(eq(int, capfile_open_fd(fd, &c, err, sizeof err), 0));
	cr_assert(eq(int, ftruncate(fd, 1 << 19), 0));
	int rc;
	while ((rc = capfile_next(c, &k)) == 1)
		;
	cr_assert(eq(int, rc, -EIO));
	capfile_close(&c);
}

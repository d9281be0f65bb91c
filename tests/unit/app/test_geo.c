/* GeoIP look-ups, against small MaxMind DB files made here (MaxMind DB file format 2.0). */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "who/geo.h"

/* A database under construction: one /8 of IPv4 leads to one data record. */
struct mmdb {
	uint8_t p[4096];
	size_t n;
};

static void put(struct mmdb *m, const void *p, size_t n)
{
	memcpy(m->p + m->n, p, n);
	m->n += n;
}

static void put_byte(struct mmdb *m, unsigned v)
{
	m->p[m->n++] = (uint8_t)v;
}

static void put_map(struct mmdb *m, unsigned pairs)
{
	put_byte(m, 7u << 5 | pairs);
}

static void put_text(struct mmdb *m, const char *s)
{
	size_t n = strlen(s);
	if (n < 29) {
		put_byte(m, 2u << 5 | (unsigned)n);
	} else {
		put_byte(m, 2u << 5 | 29);
		put_byte(m, (unsigned)n - 29);
	}
	put(m, s, n);
}

static void put_number(struct mmdb *m, unsigned type, uint32_t v) /* 5: uint16, 6: uint32 */
{
	unsigned bytes = type == 5 ? 2 : 4;
	put_byte(m, type << 5 | bytes);
	for (int i = (int)bytes - 1; i >= 0; i--)
		put_byte(m, v >> (8 * i) & 255);
}

static void put_double(struct mmdb *m, double v)
{
	uint64_t bits;
	memcpy(&bits, &v, 8);
	put_byte(m, 3u << 5 | 8);
	for (int i = 7; i >= 0; i--)
		put_byte(m, (unsigned)(bits >> (8 * i)) & 255);
}

static void put_node(struct mmdb *m, uint32_t left, uint32_t right)
{
	uint32_t v[] = {left, right};
	for (int i = 0; i < 2; i++)
		for (int shift = 16; shift >= 0; shift -= 8)
			put_byte(m, v[i] >> shift & 255);
}

/* Eight nodes: the bits of the first byte of the address; the match leads to the data at offset
 * 0. */
static void begin(struct mmdb *m, uint8_t first)
{
	m->n = 0;
	for (uint32_t i = 0; i < 8; i++) {
		uint32_t on = i == 7 ? 8 + 16 : i + 1, off = 8;
		if (first & (0x80 >> i))
			put_node(m, off, on);
		else
			put_node(m, on, off);
	}
	for (int i = 0; i < 16; i++)
		put_byte(m, 0);
}

static void end(struct mmdb *m, const char *path)
{
	put(m, "\xab\xcd\xefMaxMind.com", 14);
	put_map(m, 9);
	put_text(m, "binary_format_major_version");
	put_number(m, 5, 2);
	put_text(m, "binary_format_minor_version");
	put_number(m, 5, 0);
	put_text(m, "build_epoch");
	put(m, "\x01\x02\x01", 3); /* extended type 9, uint64 */
	put_text(m, "database_type");
	put_text(m, "Test");
	put_text(m, "description");
	put_map(m, 0);
	put_text(m, "ip_version");
	put_number(m, 5, 4);
	put_text(m, "languages");
	put_byte(m, 0); /* an array of none: extended type 11 */
	put_byte(m, 4);
	put_text(m, "node_count");
	put_number(m, 6, 8);
	put_text(m, "record_size");
	put_number(m, 5, 24);

	char tmp[256];
	snprintf(tmp, sizeof tmp, "%s.new", path);
	FILE *f = fopen(tmp, "wb");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(m->p, 1, m->n, f), m->n);
	fclose(f);
	cr_assert_eq(rename(tmp, path), 0);
}

static void place(const char *path, const char *country)
{
	struct mmdb m;
	begin(&m, 198);
	put_map(&m, 3);
	put_text(&m, "country");
	put_map(&m, 1);
	put_text(&m, "iso_code");
	put_text(&m, country);
	put_text(&m, "city");
	put_map(&m, 1);
	put_text(&m, "names");
	put_map(&m, 1);
	put_text(&m, "en");
	put_text(&m, "Springfield");
	put_text(&m, "location");
	put_map(&m, 2);
	put_text(&m, "latitude");
	put_double(&m, 1.5);
	put_text(&m, "longitude");
	put_double(&m, -2.25);
	end(&m, path);
}

static void network(const char *path)
{
	struct mmdb m;
	begin(&m, 198);
	put_map(&m, 2);
	put_text(&m, "autonomous_system_number");
	put_number(&m, 6, 64496);
	put_text(&m, "autonomous_system_organization");
	put_text(&m, "Example");
	end(&m, path);
}

static char dir[] = "/tmp/lurker-geo-XXXXXX", city[64], asn[64];

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(city, sizeof city, "%s/city.mmdb", dir);
	snprintf(asn, sizeof asn, "%s/asn.mmdb", dir);
}

static void teardown(void)
{
	unlink(city);
	unlink(asn);
	rmdir(dir);
}

TestSuite(geo, .init = setup, .fini = teardown);

static struct addr address(const char *text)
{
	struct addr a;
	cr_assert_eq(addr_parse(text, &a), 0);
	return a;
}

#define is(b, s)                                                                \
	cr_expect(bytes_eq((b), bytes_str(s)), "%.*s, expected %s", (int)(b).n, \
		  (b).p ? (const char *)(b).p : "", (s))

Test(geo, look)
{
	struct who_geo *g;
	struct msg_geo m;
	struct addr known = address("198.51.100.7"), other = address("203.0.113.1"),
		    v6 = address("2001:db8::1"), none = {0};

	place(city, "ZZ");
	network(asn);
	cr_assert_eq(who_geo_new(city, asn, &g), 0);
	cr_assert(who_geo_look(g, &known, &m));
	is(m.country, "ZZ");
	is(m.city, "Springfield");
	cr_expect_eq(m.latitude, 1.5);
	cr_expect_eq(m.longitude, -2.25);
	cr_expect_eq(m.asn, 64496);
	is(m.as_org, "Example");
	cr_expect_not(who_geo_look(g, &other, &m));
	cr_expect_eq(m.asn, 0);
	cr_expect_not(who_geo_look(g, &v6, &m), "the files are IPv4");
	cr_expect_not(who_geo_look(g, &none, &m));
	who_geo_free(&g);
	cr_expect_null(g);
	who_geo_free(&g);
}

Test(geo, fields_of_another_kind)
{
	struct who_geo *g;
	struct msg_geo m;
	struct addr known = address("198.51.100.7");
	struct mmdb b;

	begin(&b, 198);
	put_map(&b, 4);
	put_text(&b, "country");
	put_text(&b, "ZZ");
	put_text(&b, "location");
	put_map(&b, 1);
	put_text(&b, "latitude");
	put_text(&b, "north");
	put_text(&b, "autonomous_system_number");
	put_number(&b, 5, 77);
	put_text(&b, "autonomous_system_organization");
	put_number(&b, 5, 77);
	end(&b, city);
	cr_assert_eq(who_geo_new(city, city, &g), 0);
	cr_expect(who_geo_look(g, &known, &m));
	cr_expect_eq(m.country.n, 0);
	cr_expect_eq(m.latitude, 0);
	cr_expect_eq(m.asn, 77);
	cr_expect_eq(m.as_org.n, 0);
	who_geo_free(&g);
}

Test(geo, appears_and_is_replaced)
{
	struct who_geo *g;
	struct msg_geo m;
	struct addr known = address("198.51.100.7");
	const char *bad = NULL;

	cr_expect_eq(who_geo_check(city), -ENOENT);
	cr_assert_eq(who_geo_new(city, NULL, &g), 0);
	cr_expect_not(who_geo_look(g, &known, &m));
	cr_expect_eq(who_geo_refresh(g, &bad), 0);
	place(city, "AA");
	cr_expect_eq(who_geo_check(city), 0);
	cr_expect_eq(who_geo_refresh(g, &bad), 1);
	cr_expect_eq(who_geo_refresh(g, &bad), 0);
	cr_assert(who_geo_look(g, &known, &m));
	is(m.country, "AA");
	place(city, "BB");
	cr_expect_eq(who_geo_refresh(g, &bad), 1);
	cr_assert(who_geo_look(g, &known, &m));
	is(m.country, "BB");

	FILE *f = fopen(asn, "w");
	fputs("not a database", f);
	fclose(f);
	cr_assert_eq(rename(asn, city), 0);
	cr_expect_eq(who_geo_refresh(g, &bad), -EBADMSG);
	cr_assert_not_null(bad);
	cr_expect_str_eq(bad, city);
	cr_expect_eq(who_geo_check(city), -EBADMSG);
	cr_expect_eq(who_geo_refresh(g, &bad), 0, "it is complained about once");
	cr_assert(who_geo_look(g, &known, &m), "the old one stays");
	is(m.country, "BB");
	who_geo_free(&g);
	cr_expect_eq(who_geo_new(NULL, city, &g), -EBADMSG);
	cr_expect_null(g);
	cr_assert_eq(who_geo_new(NULL, NULL, &g), 0);
	cr_expect_not(who_geo_look(g, &known, &m));
	who_geo_free(&g);
}

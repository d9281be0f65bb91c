/* JA4 against the vectors that FoxIO publishes: technical_details/JA4.md and python/test/testdata
 * of FoxIO-LLC/ja4. Each is given there with its lists in original order (JA4_ro); a ClientHello is
 * built from those, with GREASE mixed in. */
#include "app/ja4.h"
#include "app_support.h"

struct hello {
	uint8_t p[8192];
	size_t n;
};

static void put(struct hello *h, uint64_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		h->p[h->n++] = (uint8_t)(v >> (8 * i));
}

static void put_bytes(struct hello *h, const void *p, size_t n)
{
	memcpy(h->p + h->n, p, n);
	h->n += n;
}

static void patch16(struct hello *h, size_t at)
{
	size_t v = h->n - at - 2;
	h->p[at] = (uint8_t)(v >> 8);
	h->p[at + 1] = (uint8_t)v;
}

static size_t codes(const char *list, uint16_t *v)
{
	size_t n = 0;
	for (char *end; *list; list = *end ? end + 1 : end)
		v[n++] = (uint16_t)strtoul(list, &end, 16);
	return n;
}

/* What a vector says. alpn is the first value; versions NULL: no such extension. */
struct vector {
	uint16_t legacy;
	const char *versions, *ciphers, *extensions, *sigalgs, *alpn;
	const char *ja4;
};

static void extension(struct hello *h, uint16_t type, const struct vector *v)
{
	uint16_t list[64];
	put(h, type, 2);
	size_t at = h->n;
	put(h, 0, 2);
	if (type == 0) {
		put(h, 14, 2);
		put(h, 0, 1);
		put(h, 11, 2);
		put_bytes(h, "example.com", 11);
	} else if (type == 16 && v->alpn) {
		size_t n = strlen(v->alpn);
		put(h, n + 1 + 9, 2);
		put(h, n, 1);
		put_bytes(h, v->alpn, n);
		put(h, 8, 1);
		put_bytes(h, "http/1.1", 8);
	} else if (type == 13 && v->sigalgs) {
		size_t n = codes(v->sigalgs, list);
		put(h, 2 * n + 2, 2);
		put(h, 0x5a5a, 2); /* GREASE: see sigalg-grease.pcapng */
		for (size_t i = 0; i < n; i++)
			put(h, list[i], 2);
	} else if (type == 43 && v->versions) {
		size_t n = codes(v->versions, list);
		put(h, 2 * n + 2, 1);
		put(h, 0xfafa, 2);
		for (size_t i = 0; i < n; i++)
			put(h, list[i], 2);
	}
	patch16(h, at);
}

/* The handshake message. */
static void build(struct hello *h, const struct vector *v, bool grease)
{
	uint16_t list[128];
	static const uint8_t zero[32];

	h->n = 0;
	put(h, 0x01000000, 4);
	put(h, v->legacy, 2);
	put_bytes(h, zero, 32);
	put(h, 0, 1);
	size_t n = codes(v->ciphers, list);
	put(h, 2 * n + (grease ? 2 : 0), 2);
	if (grease)
		put(h, 0x0a0a, 2);
	for (size_t i = 0; i < n; i++)
		put(h, list[i], 2);
	put(h, 0x0100, 2);
	if (v->extensions) {
		size_t at = h->n;
		put(h, 0, 2);
		if (grease)
			put(h, 0x1a1a0000, 4);
		n = codes(v->extensions, list);
		for (size_t i = 0; i < n; i++)
			extension(h, list[i], v);
		if (grease)
			put(h, 0xdada000100, 5);
		patch16(h, at);
	}
	size_t len = h->n - 4;
	h->p[1] = 0;
	h->p[2] = (uint8_t)(len >> 8);
	h->p[3] = (uint8_t)len;
}

/* The message as TLS records of at most size bytes. */
static void records(const struct hello *m, size_t size, struct hello *out)
{
	out->n = 0;
	for (size_t at = 0; at < m->n; at += size) {
		size_t k = m->n - at < size ? m->n - at : size;
		put(out, 0x160301, 3);
		put(out, k, 2);
		put_bytes(out, m->p + at, k);
	}
}

static const struct vector vectors[] = {
	/* JA4.md, Example */
	{0x0303, "0304,0303",
	 "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035",
	 "001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015",
	 "0403,0804,0401,0503,0805,0501,0806,0601", "h2", "t13d1516h2_8daaf6152771_e5627efa2ab1"},
	/* badcurveball.pcap */
	{0x0303, "0304,0303,0302,0301",
	 "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035,000a",
	 "0000,0017,ff01,000a,000b,0023,0010,0005,000d,0012,0033,002d,002b,001b,0015",
	 "0403,0804,0401,0503,0805,0501,0806,0601,0201", "h2",
	 "t13d1615h2_46e7e9700bed_45f260be83e2"},
	/* sigalg-grease.pcapng */
	{0x0303, "0304,0303",
	 "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035",
	 "fe0d,0010,0017,0033,44cd,ff01,000a,000d,0023,002b,000b,ca34,002d,0000,0005,001b,0012",
	 "0904,0905,0906,0403,0804,0401,0503,0805,0501,0806,0601", "h2",
	 "t13d1517h2_8daaf6152771_cb7bf5808d99"},
	/* socks-https-example.pcap: only server_name, so the last section hashes nothing */
	{0x0301, NULL,
	 "0039,0038,0035,0016,0013,000a,0033,0032,002f,009a,0099,0096,0005,0004,0015,0012,0009,0014,0011,0008,0006,0003,00ff",
	 "0000", NULL, NULL, "t10d230100_6a57a6f57151_000000000000"},
};

Test(ja4, published_vectors)
{
	static struct hello m, r;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
		for (int grease = 0; grease < 2; grease++) {
			build(&m, &vectors[i], grease);
			records(&m, 16384, &r);
			see_bytes(APP_TCP, 443, r.p, r.n);
			is_app("tls");
			is(rec.tls->ja4, vectors[i].ja4);
			is(rec.tls->sni, "example.com");
		}
	is(rec.tls->version, "tls1.0");
}

/* JA4.md, Extension hash: without signature algorithms the string ends without an underscore. */
Test(ja4, without_signature_algorithms)
{
	static struct hello m, r;
	struct vector v = vectors[0];
	v.sigalgs = NULL;
	build(&m, &v, true);
	records(&m, 16384, &r);
	see_bytes(APP_TCP, 443, r.p, r.n);
	is(rec.tls->ja4, "t13d1516h2_8daaf6152771_6d807ffa2a79");
}

/* JA4.md, ALPN Extension Value. */
Test(ja4, alpn)
{
	static const struct {
		const char *alpn;
		size_t n;
		const char *want;
	} cases[] = {
		{"h2", 2, "h2"},
		{"http/1.1", 8, "h1"},
		{"", 0, "00"},
		{"x", 1, "xx"},
		{"\xab", 1, "ab"},
		{"\xab\xcd", 2, "ad"},
		{"\x30\xab", 2, "3b"},
		{"\x30\x31\xab\xcd", 4, "3d"},
		{"\x30\xab\xcd\x31", 4, "01"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ja4_hello h = {.transport = 't',
				      .legacy_version = 0x0303,
				      .alpn = bytes_of(cases[i].alpn, cases[i].n)};
		char text[JA4_TEXT], want[JA4_TEXT];
		cr_assert(ja4_text(&h, text));
		snprintf(want, sizeof want, "t12i0000%s_000000000000_000000000000", cases[i].want);
		cr_expect_str_eq(text, want);
	}
}

Test(ja4, versions_and_counts)
{
	static const struct {
		uint16_t v;
		char transport;
		const char *want;
	} cases[] = {{0x0304, 't', "13"}, {0x0303, 't', "12"}, {0x0302, 't', "11"},
		     {0x0301, 't', "10"}, {0x0300, 't', "s3"}, {0x0002, 't', "s2"},
		     {0xfeff, 'd', "d1"}, {0xfefd, 'd', "d2"}, {0xfefc, 'd', "d3"},
		     {0x7f1c, 't', "00"}};
	char text[JA4_TEXT];
	uint16_t many[JA4_MAX_LIST + 1], dtls[] = {0xfefd, 0xfefc, 0xfeff}, grease[] = {0x2a2a};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ja4_hello h = {.transport = cases[i].transport,
				      .legacy_version = cases[i].v};
		cr_assert(ja4_text(&h, text));
		cr_expect(text[0] == cases[i].transport && strncmp(text + 1, cases[i].want, 2) == 0,
			  "%s", text);
	}
	struct ja4_hello h = {.transport = 'd',
			      .legacy_version = 0xfefd,
			      .has_versions = true,
			      .versions = dtls,
			      .nversions = 3};
	cr_expect_eq(ja4_version(&h), 0xfefc, "DTLS counts down");
	h.versions = grease;
	h.nversions = 1;
	cr_expect_eq(ja4_version(&h), 0xfefd, "nothing but GREASE");

	for (size_t i = 0; i <= JA4_MAX_LIST; i++)
		many[i] = (uint16_t)(0x1000 + 2 * i);
	h.ciphers = many;
	h.nciphers = 150;
	h.extensions = many;
	h.nextensions = 100;
	cr_assert(ja4_text(&h, text));
	cr_expect(strncmp(text + 4, "9999", 4) == 0, "%s", text);
	h.nciphers = JA4_MAX_LIST;
	h.nextensions = h.nsigalgs = JA4_MAX_LIST;
	h.sigalgs = many;
	cr_expect(ja4_text(&h, text), "the longest lists fit");
	h.nciphers++;
	cr_expect_not(ja4_text(&h, text));
	cr_expect(ja4_grease(0x0a0a) && ja4_grease(0xfafa) && !ja4_grease(0x0a1a) &&
		  !ja4_grease(0x0b0b));
}

Test(tls, lists)
{
	static struct hello m, r;
	build(&m, &vectors[0], false);
	records(&m, 16384, &r);
	see_bytes(APP_TCP, 4433, r.p, r.n);
	is(rec.tls->version, "tls1.3");
	cr_assert_eq(rec.tls->alpn.n, 2);
	is(rec.tls->alpn.v[0], "h2");
	is(rec.tls->alpn.v[1], "http/1.1");
	cr_assert_eq(rec.tls->ciphers.n, 15);
	cr_expect_eq(rec.tls->ciphers.v[3], 0xc02b);
	cr_assert_eq(rec.tls->extensions.n, 16);
	cr_expect_eq(rec.tls->extensions.v[0], 0x1b);
}

Test(tls, spread_over_records)
{
	static struct hello m, r;
	build(&m, &vectors[0], true);
	for (size_t size = 60; size < 200; size += 7) {
		records(&m, size, &r);
		see_bytes(APP_TCP, 443, r.p, r.n);
		is_app("tls");
		is(rec.tls->ja4, vectors[0].ja4);
	}
	r.p[5 + 193 + 3] = 0; /* a record of no bytes ends it: no fingerprint */
	r.p[5 + 193 + 4] = 0;
	records(&m, 193, &r);
	r.p[5 + 193] = 23;
	see_bytes(APP_TCP, 443, r.p, r.n);
	is_app("tls");
	is_absent(rec.tls->ja4);
}

Test(tls, cut_off)
{
	static struct hello m, r;
	build(&m, &vectors[0], true);
	records(&m, 16384, &r);
	for (size_t n = 0; n < r.n; n++) {
		see_bytes(APP_TCP, 443, r.p, n);
		if (n < 11) {
			is_absent(rec.app);
		} else {
			is_app("tls");
			is_absent(rec.tls->ja4);
		}
	}
	/* SNI is there before the end is */
	see_bytes(APP_TCP, 443, r.p, r.n - 20);
	is(rec.tls->sni, "example.com");
}

Test(tls, broken)
{
	static struct hello m, r;
	build(&m, &vectors[0], false);
	records(&m, 16384, &r);
	r.p[5 + 4] = 4; /* major version */
	see_bytes(APP_TCP, 443, r.p, r.n);
	cr_expect_null(rec.tls);
	records(&m, 16384, &r);
	r.p[5 + 38] = 33; /* session ID too long */
	see_bytes(APP_TCP, 443, r.p, r.n);
	cr_expect_null(rec.tls, "TLS records, but no ClientHello");
	records(&m, 16384, &r);
	r.p[5 + 40] |= 1; /* odd length of ciphers */
	see_bytes(APP_TCP, 443, r.p, r.n);
	cr_expect_null(rec.tls, "TLS records, but no ClientHello");
	records(&m, 16384, &r);
	r.p[r.n - 1] = 200; /* the last extension runs over the end */
	see_bytes(APP_TCP, 443, r.p, r.n);
	is_app("tls");
	is_absent(rec.tls->ja4);
	records(&m, 16384, &r);
	r.p[3] = 0, r.p[4] = 3; /* a record too small for any message */
	see_bytes(APP_TCP, 443, r.p, r.n);
	is_absent(rec.app);
	records(&m, 16384, &r);
	r.p[5 + 74]++; /* so does the list of extensions */
	see_bytes(APP_TCP, 443, r.p, r.n);
	is_app("tls");
	is(rec.tls->sni, "example.com");
	is_absent(rec.tls->ja4);
	tcp_hex(443, "160301 0020 01000100 0303");
	is_app("tls");
	is_absent(rec.tls->ja4);
}

Test(tls, no_extensions_and_odd_version)
{
	static struct hello m, r;
	struct vector v = {0x0300, NULL, "0005", NULL, NULL, NULL, NULL};
	build(&m, &v, false);
	records(&m, 16384, &r);
	see_bytes(APP_TCP, 443, r.p, r.n);
	is(rec.tls->version, "ssl3");
	is(rec.tls->ja4, "ts3i010000_1ed8eb363bcd_000000000000");
	v.legacy = 0x0377;
	build(&m, &v, false);
	records(&m, 16384, &r);
	see_bytes(APP_TCP, 443, r.p, r.n);
	is(rec.tls->version, "0x0377");
}

Test(tls, ssl2_hello)
{
	tcp_hex(443, "802e 01 0002 0015 0000 0010 010080 020080 030080 040080 050080 060040 "
		     "0700c000112233445566778899aabbccddeeff");
	is_app("tls");
	is(rec.tls->version, "ssl2");
	cr_expect_eq(rec.tls->ciphers.n, 7);
	tcp_hex(443, "802e 01 0004 0015 0000 0010 010080");
	is_absent(rec.app);
	tcp_hex(443, "802e 01 0002 0014 0000 0010 010080");
	is_absent(rec.app);
}

Test(dtls, hello)
{
	static struct hello m, r;
	struct vector v = vectors[0];
	v.legacy = 0xfefd;
	v.versions = "fefd,fefc";
	build(&m, &v, true);
	r.n = 0;
	put(&r, 0x16feff, 3);
	put(&r, 0, 8);
	put(&r, m.n + 8 + 1, 2);
	put_bytes(&r, m.p, 2);
	put(&r, m.n - 4 + 1, 2); /* the cookie's length is one more byte */
	put(&r, 0, 5);
	put(&r, m.n - 4 + 1, 3);
	put_bytes(&r, m.p + 4, 35);
	put(&r, 0, 1);
	put_bytes(&r, m.p + 39, m.n - 39);
	see_bytes(APP_UDP, 4433, r.p, r.n);
	is_app("dtls");
	is(rec.tls->version, "dtls1.3");
	is(rec.tls->ja4, "dd3d1516h2_8daaf6152771_e5627efa2ab1");
	see_prefixes(APP_UDP, 4433, r.p, r.n);
	r.p[4] = 1; /* another epoch: it is encrypted */
	see_bytes(APP_UDP, 4433, r.p, r.n);
	is_absent(rec.app);
}

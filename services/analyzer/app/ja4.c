#include "app/ja4.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/text.h"

#define HASH_CHARS 12

static const char hex[] = "0123456789abcdef";

/* DTLS counts its versions downwards. */
static bool newer(uint16_t a, uint16_t b, bool dtls)
{
	return dtls ? a < b : a > b;
}

uint16_t ja4_version(const struct ja4_hello *h)
{
	uint16_t best = 0;
	bool any = false;

	if (!h->has_versions)
		return h->legacy_version;
	for (size_t i = 0; i < h->nversions; i++) {
		if (ja4_grease(h->versions[i]))
			continue;
		if (!any || newer(h->versions[i], best, h->transport == 'd'))
			best = h->versions[i];
		any = true;
	}
	return any ? best : h->legacy_version;
}

static const char *version_text(uint16_t v)
{
	switch (v) {
	case 0x0304:
		return "13";
	case 0x0303:
		return "12";
	case 0x0302:
		return "11";
	case 0x0301:
		return "10";
	case 0x0300:
		return "s3";
	case 0x0002:
		return "s2";
	case 0xfeff:
		return "d1";
	case 0xfefd:
		return "d2";
	case 0xfefc:
		return "d3";
	default:
		return "00";
	}
}

static void alpn_text(struct bytes alpn, char out[3])
{
	memcpy(out, "00", 3);
	if (alpn.n == 0)
		return;
	uint8_t first = alpn.p[0], last = alpn.p[alpn.n - 1];
	if (is_alnum(first) && is_alnum(last)) {
		out[0] = (char)first;
		out[1] = (char)last;
	} else {
		out[0] = hex[first >> 4];
		out[1] = hex[last & 15];
	}
}

static int by_value(const void *a, const void *b)
{
	uint16_t x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

/* Real lists have some twenty entries, in long ascending runs: insertion is several times faster
 * than qsort there. */
static void sort(uint16_t *v, size_t n)
{
	if (n > 64) {
		qsort(v, n, sizeof *v, by_value);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		uint16_t x = v[i];
		size_t k = i;
		for (; k > 0 && v[k - 1] > x; k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
}

/* Text that is hashed: two lists of four hex digits and a comma each. */
struct text {
	char p[2 * JA4_MAX_LIST * 5 + 1];
	size_t n;
};

static void put_list(struct text *t, const uint16_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			t->p[t->n++] = ',';
		for (int shift = 12; shift >= 0; shift -= 4)
			t->p[t->n++] = hex[v[i] >> shift & 15];
	}
}

static void hash_text(const struct text *t, char out[HASH_CHARS + 1])
{
	uint8_t sum[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(sum, (const uint8_t *)t->p, t->n);
	for (size_t i = 0; i < HASH_CHARS / 2; i++) {
		out[2 * i] = hex[sum[i] >> 4];
		out[2 * i + 1] = hex[sum[i] & 15];
	}
	out[HASH_CHARS] = 0;
}

static size_t without_grease(const uint16_t *v, size_t n, uint16_t *out)
{
	size_t k = 0;
	for (size_t i = 0; i < n; i++)
		if (!ja4_grease(v[i]))
			out[k++] = v[i];
	return k;
}

bool ja4_text(const struct ja4_hello *h, char out[JA4_TEXT])
{
	uint16_t list[JA4_MAX_LIST];
	char ciphers[HASH_CHARS + 1] = "000000000000", extensions[HASH_CHARS + 1] = "000000000000",
				  alpn[3];
	struct text t; /* 10 KiB: only what is used of it is written */
	bool sni = false;

	if (h->nciphers > JA4_MAX_LIST || h->nextensions > JA4_MAX_LIST ||
	    h->nsigalgs > JA4_MAX_LIST)
		return false;

	size_t nciphers = without_grease(h->ciphers, h->nciphers, list);
	if (nciphers) {
		t.n = 0;
		sort(list, nciphers);
		put_list(&t, list, nciphers);
		hash_text(&t, ciphers);
	}

	size_t nextensions = without_grease(h->extensions, h->nextensions, list), kept = 0;
	for (size_t i = 0; i < nextensions; i++) {
		sni |= list[i] == 0;
		if (list[i] != 0 &&
		    list[i] != 16) /* server_name and ALPN speak in the first section */
			list[kept++] = list[i];
	}
	if (kept) {
		t.n = 0;
		sort(list, kept);
		put_list(&t, list, kept);
		size_t nsigalgs = without_grease(h->sigalgs, h->nsigalgs, list);
		if (nsigalgs) {
			t.p[t.n++] = '_';
			put_list(&t, list, nsigalgs);
		}
		hash_text(&t, extensions);
	}
	alpn_text(h->alpn, alpn);
	snprintf(out, JA4_TEXT, "%c%s%c%02u%02u%s_%s_%s", h->transport,
		 version_text(ja4_version(h)), sni ? 'd' : 'i',
		 nciphers < 99 ? (unsigned)nciphers : 99u,
		 nextensions < 99 ? (unsigned)nextensions : 99u, alpn, ciphers, extensions);
	return true;
}

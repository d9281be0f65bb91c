#include "storage/object_key.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define BUNDLE "bundle_"
#define FRAG   "frag_"

/* The last second that nanoseconds since the epoch hold in 64 bits, in 2554. */
#define LAST_S (UINT64_MAX / NS_PER_S)

/* replace: in place, one character for another. */
static void replace(char *s, char from, char to)
{
	for (; *s; s++)
		if (*s == from)
			*s = to;
}

void object_key_format(const struct object_key *k, char out[OBJECT_KEY_MAX])
{
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX], suffix[32] = "";
	time_t t = (time_t)k->init_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	size_t n = strftime(out, OBJECT_KEY_MAX, "pcap/%Y/%m/%d/%H/", &tm);
	char *name = out + n;
	n = OBJECT_KEY_MAX - n;
	if (k->kind == OBJECT_KEY_BUNDLE) {
		snprintf(name, n, BUNDLE "%02d_%" PRIu64 ".pcap", tm.tm_min, k->first);
		return;
	}
	memcpy(src, k->src, sizeof src);
	memcpy(dst, k->dst, sizeof dst);
	replace(src, ':', '-');
	replace(dst, ':', '-');
	if (k->first)
		snprintf(suffix, sizeof suffix, "_" FRAG "%" PRIu64, k->first);
	else if (k->suffix > 1)
		snprintf(suffix, sizeof suffix, "_%" PRIu32, k->suffix);
	bool tcp = strcmp(k->proto, "tcp") == 0;
	snprintf(name, n, "%" PRIu64 "_%s_%s_%u_%u%s%s%s.pcap", k->init_s, src, dst, k->sport,
		 k->dport, tcp ? "" : "_", tcp ? "" : k->proto, suffix);
}

/* The text before ".pcap" after the ports: [_<proto>][_<n>] or [_<proto>]_frag_<first>. Takes what
 * is there; object_key_parse finds out whether that was all. */
static void object_key_parse_rest(const char *rest, struct object_key *k)
{
	int n = 0;
	bool number = isdigit((unsigned char)rest[0]) && (k->sport || k->dport);

	strcpy(k->proto, "tcp");
	if (!number && strncmp(rest, FRAG, strlen(FRAG)) != 0 &&
	    sscanf(rest, "%7[a-z0-9]%n", k->proto, &n) == 1) {
		rest += n;
		rest += *rest == '_';
	}
	if (sscanf(rest, FRAG "%20" SCNu64, &k->first) != 1)
		sscanf(rest, "%10" SCNu32, &k->suffix);
}

static bool object_key_parse_flow(const char *name, struct object_key *k)
{
	int n = 0;

	k->kind = OBJECT_KEY_FLOW;
	if (sscanf(name, "%20" SCNu64 "_%45[^_]_%45[^_]_%5" SCNu16 "_%5" SCNu16 "%n", &k->init_s,
		   k->src, k->dst, &k->sport, &k->dport, &n) != 5)
		return false;
	replace(k->src, '-', ':');
	replace(k->dst, '-', ':');
	object_key_parse_rest(name + n + (name[n] == '_'), k);
	return true;
}

static bool object_key_parse_bundle(const char *name, struct tm *tm, struct object_key *k)
{
	k->kind = OBJECT_KEY_BUNDLE;
	if (sscanf(name, BUNDLE "%2d_%20" SCNu64, &tm->tm_min, &k->first) != 2)
		return false;
	time_t t = timegm(tm);
	k->init_s = (uint64_t)t;
	return t >= 0;
}

static bool object_key_parse_folders(const char *text, struct tm *tm)
{
	*tm = (struct tm){0};
	if (sscanf(text, "pcap/%4d/%2d/%2d/%2d/", &tm->tm_year, &tm->tm_mon, &tm->tm_mday,
		   &tm->tm_hour) != 4)
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon--;
	return true;
}

int object_key_parse(const char *text, struct object_key *out)
{
	char same[OBJECT_KEY_MAX];
	const char *slash = strrchr(text, '/'), *name = slash ? slash + 1 : text;
	struct tm tm;

	*out = (struct object_key){.suffix = 1};
	if (object_key_is_bundle(text) ? !object_key_parse_folders(text, &tm) ||
						 !object_key_parse_bundle(name, &tm, out)
				       : !object_key_parse_flow(name, out))
		return -EINVAL;
	if (out->init_s > LAST_S)
		return -EINVAL;
	/* Text that only reads like a key has leading zeroes, or more at its end; a bundle's minute
	 * also depends on its folders. */
	object_key_format(out, same);
	bool whole = out->kind == OBJECT_KEY_BUNDLE;
	return strcmp(whole ? text : name, whole ? same : strrchr(same, '/') + 1) == 0 ? 0
										       : -EINVAL;
}

bool object_key_is_bundle(const char *key)
{
	const char *slash = strrchr(key, '/');

	return strncmp(slash ? slash + 1 : key, BUNDLE, strlen(BUNDLE)) == 0;
}

bool object_key_valid(const char *key)
{
	size_t n = strnlen(key, OBJECT_KEY_MAX);

	if (n == 0 || n >= OBJECT_KEY_MAX || key[0] == '/' || key[n - 1] == '/')
		return false;
	for (size_t i = 0, start = 0; i <= n; i++) {
		if (i < n && (key[i] <= ' ' || key[i] > '~'))
			return false;
		if (i < n && key[i] != '/')
			continue;
		/* A leading dot covers "." and ".." and keeps hidden names out. */
		if (i == start || key[start] == '.')
			return false;
		start = i + 1;
	}
	return true;
}

static bool object_key_is_hour(const char *p)
{
	static const char shape[] = "dddd/dd/dd/dd/";

	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == 'd' ? !isdigit((unsigned char)p[i]) : p[i] != shape[i])
			return false;
	return true;
}

const char *object_key_in(const char *path)
{
	const char *found = NULL;

	for (const char *p = path; (p = strstr(p, "pcap/")); p++)
		if ((p == path || p[-1] == '/') && object_key_is_hour(p + 5))
			found = p;
	return found;
}

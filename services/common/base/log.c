#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A line is cut at this many bytes: one write(2), and no memory that grows with what is logged. */
#define LINE_MAX_BYTES 2048
/* How many events are watched for repetition; an older one is forgotten first. */
#define HELD_EVENTS 16

static struct {
	char name[32];
	enum log_level level;
	bool json, journal;
	struct held {
		const char *event; /* constants: compared by address */
		uint64_t until_ns;
		uint64_t count;
	} held[HELD_EVENTS];
	unsigned next;
} logger = {.name = "lurker", .level = LOG_LEVEL_INFO};

static const char *const level_names[] = {"error", "warn", "info", "debug"};
/* sd-daemon(3) priorities: err, warning, info, debug. */
static const int priorities[] = {3, 4, 6, 7};

void log_open(const char *name, enum log_level level, int json)
{
	snprintf(logger.name, sizeof logger.name, "%s", name);
	logger.level = level;
	logger.json = json != 0;
	logger.journal = getenv("JOURNAL_STREAM") != NULL;
}

/* Says whether the event may be logged now; *held is how often it was held back before. */
static bool log_admit(const char *event, uint64_t now_ns, uint64_t *held)
{
	*held = 0;
	for (unsigned i = 0; i < HELD_EVENTS; i++) {
		struct held *h = &logger.held[i];
		if (h->event != event)
			continue;
		if (now_ns < h->until_ns) {
			h->count++;
			return false;
		}
		*held = h->count;
		h->count = 0;
		h->until_ns = now_ns + 1000000000u;
		return true;
	}
	logger.held[logger.next] = (struct held){.event = event, .until_ns = now_ns + 1000000000u};
	logger.next = (logger.next + 1) % HELD_EVENTS;
	return true;
}

/* Appends s as a JSON string; cut short rather than overflowing. */
static size_t log_put_json(char *out, size_t n, size_t at, const char *s, size_t len)
{
	if (at + 2 >= n)
		return at;
	out[at++] = '"';
	for (size_t i = 0; i < len && at + 8 < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c == '"' || c == '\\') {
			out[at++] = '\\';
			out[at++] = (char)c;
		} else if (c < 0x20 || c >= 0x7f) {
			at += (size_t)snprintf(out + at, n - at, "\\u%04x", c);
		} else {
			out[at++] = (char)c;
		}
	}
	out[at++] = '"';
	return at;
}

/* Turns `key=value key="value with spaces"` into `,"key":"value",…`. */
static size_t log_put_pairs_json(char *out, size_t n, size_t at, const char *pairs)
{
	const char *p = pairs;
	while (*p && at + 8 < n) {
		while (*p == ' ')
			p++;
		size_t key = strcspn(p, "= ");
		if (p[key] != '=')
			return at;
		out[at++] = ',';
		at = log_put_json(out, n, at, p, key);
		if (at + 8 >= n)
			return at;
		out[at++] = ':';
		p += key + 1;
		size_t len;
		if (*p == '"') {
			p++;
			len = strcspn(p, "\"");
			at = log_put_json(out, n, at, p, len);
			p += len + (p[len] == '"');
		} else {
			len = strcspn(p, " ");
			at = log_put_json(out, n, at, p, len);
			p += len;
		}
	}
	return at;
}

static void __attribute__((format(printf, 4, 0)))
log_put_line(enum log_level level, const char *event, uint64_t held, const char *fmt, va_list ap)
{
	struct timespec now;
	char pairs[LINE_MAX_BYTES / 2] = "";
	if (fmt)
		vsnprintf(pairs, sizeof pairs, fmt, ap);
	for (char *p = pairs; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '.'; /* nothing that is logged may forge a line or move a cursor */

	clock_gettime(CLOCK_REALTIME, &now);
	struct tm tm;
	gmtime_r(&now.tv_sec, &tm);
	char stamp[40];
	size_t k = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(stamp + k, sizeof stamp - k, ".%03ldZ", now.tv_nsec / 1000000);

	char line[LINE_MAX_BYTES];
	size_t n = sizeof line - 2, at = 0;
	if (logger.journal)
		at += (size_t)snprintf(line, n, "<%d>", priorities[level]);
	if (logger.json) {
		at += (size_t)snprintf(
			line + at, n - at,
			"{\"ts\":\"%s\",\"level\":\"%s\",\"service\":\"%s\",\"event\":", stamp,
			level_names[level], logger.name);
		at = log_put_json(line, n, at, event, strlen(event));
		at = log_put_pairs_json(line, n, at, pairs);
		if (held && at + 32 < n)
			at += (size_t)snprintf(line + at, n - at, ",\"held_back\":%llu",
					       (unsigned long long)held);
		if (at > n - 1)
			at = n - 1;
		line[at++] = '}';
	} else {
		at += (size_t)snprintf(line + at, n - at, "%s %-5s %s: %s", stamp,
				       level_names[level], logger.name, event);
		if (*pairs && at < n)
			at += (size_t)snprintf(line + at, n - at, " %s", pairs);
		if (held && at + 32 < n)
			at += (size_t)snprintf(line + at, n - at, " held_back=%llu",
					       (unsigned long long)held);
		if (at > n)
			at = n;
	}
	line[at++] = '\n';
	ssize_t ignored = write(STDERR_FILENO, line, at);
	(void)ignored;
}

void log_clean(char *text, char with)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~' || *text == '"')
			*text = with;
}

void log_at(enum log_level level, const char *event, const char *fmt, ...)
{
	struct timespec mono;
	uint64_t held;
	va_list ap;
	if (level > logger.level)
		return;
	clock_gettime(CLOCK_MONOTONIC, &mono);
	if (!log_admit(event, (uint64_t)mono.tv_sec * 1000000000u + (uint64_t)mono.tv_nsec, &held))
		return;
	va_start(ap, fmt);
	log_put_line(level, event, held, fmt, ap);
	va_end(ap);
}

void log_each(enum log_level level, const char *event, const char *fmt, ...)
{
	va_list ap;
	if (level > logger.level)
		return;
	va_start(ap, fmt);
	log_put_line(level, event, 0, fmt, ap);
	va_end(ap);
}

#include "term.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

int term_columns(void)
{
	struct winsize w;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 40)
		return w.ws_col;
	return 100;
}

size_t term_text(char *out, size_t n, struct bytes b, size_t columns)
{
	static const char more[] = "\xe2\x80\xa6"; /* … */
	size_t at = 0, used = 0;
	for (size_t i = 0; i < b.n && at + 5 < n; i++) {
		if (used + 1 == columns && i + 1 < b.n) {
			memcpy(out + at, more, 3);
			at += 3;
			break;
		}
		if (used == columns)
			break;
		/* A control character of an attacker would move the cursor or set colours. */
		unsigned char c = b.p[i];
		if (c == '\r' && i + 1 < b.n && b.p[i + 1] == '\n')
			continue;
		out[at++] = c == '\n' || c == '\t' ? ' ' : c < 0x20 || c >= 0x7f ? '.' : (char)c;
		used++;
	}
	out[at] = '\0';
	return at;
}

static void term_scaled(char out[16], double v, const char *const *units, double step)
{
	int u = 0;
	while (v >= step && units[u + 1]) {
		v /= step;
		u++;
	}
	if (u == 0 || v >= 100)
		snprintf(out, 16, "%.0f%s", v, units[u]);
	else
		snprintf(out, 16, "%.1f%s", v, units[u]);
}

void term_quantity(char out[16], uint64_t v)
{
	static const char *const units[] = {"", "k", "M", "G", "T", NULL};
	if (v < 10000)
		snprintf(out, 16, "%llu", (unsigned long long)v);
	else
		term_scaled(out, (double)v, units, 1000);
}

void term_bytes(char out[16], uint64_t v)
{
	static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", NULL};
	term_scaled(out, (double)v, units, 1024);
}

void term_clock(char out[16], uint64_t ns)
{
	time_t t = (time_t)(ns / 1000000000u);
	struct tm tm;
	gmtime_r(&t, &tm);
	strftime(out, 16, "%H:%M:%S", &tm);
}

void term_span(char out[16], uint64_t ns)
{
	unsigned long long s = ns / 1000000000u;
	if (s < 120)
		snprintf(out, 16, "%llus", s);
	else if (s < 7200)
		snprintf(out, 16, "%llum", s / 60);
	else if (s < 172800)
		snprintf(out, 16, "%lluh", s / 3600);
	else
		snprintf(out, 16, "%llud", s / 86400);
}

#include "logptn/cmd/dump.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "logptn/cmd/heat.h"
#include "logptn/lib/intake/intake.h"
#include "logptn/out/view.h"

FILE *dump_open(const char *path)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "we") : stdout;

	if (!f)
		fprintf(stderr, "logptn: %s: %s\n", path, strerror(errno));
	return f;
}

int dump_close(FILE *out, const char *path)
{
	int failed = ferror(out);

	failed |= out == stdout ? fflush(out) : fclose(out);
	if (failed)
		fprintf(stderr, "logptn: %s: %s\n", path, strerror(errno ? errno : EIO));
	return failed ? -EIO : 0;
}

bool dump_wanted(const struct format *f, void *opts)
{
	const struct opts *o = opts;

	return (!o->only_new || f->fresh) && (!o->rare || f->lines < o->rare);
}

int dump_view(const struct opts *o, const struct view *v, enum regex_style grok, FILE *out)
{
	switch (o->dumper) {
	case DUMP_JSON:
		out_json(v, out);
		return 0;
	case DUMP_SJSON:
		out_sjson(v, out);
		return 0;
	case DUMP_CSV:
		out_csv(v, out);
		return 0;
	case DUMP_REGEX:
		return out_regex(v, out, REGEX_PCRE);
	case DUMP_GROK:
		return out_regex(v, out, grok);
	default:
		out_text(v, out, isatty(fileno(out)));
		return 0;
	}
}

int dump_formats(const struct opts *o, struct skels *t, const struct formats *f,
		 const struct input *in, size_t n, FILE *out)
{
	struct opts copy = *o;
	struct view v;
	int r = view_formats(f, dump_wanted, &copy,
			     o->dumper == DUMP_JSON || o->dumper == DUMP_HEATMAP, &v);

	if (!r)
		r = o->dumper == DUMP_HEATMAP ? heat_dump(o, t, &v, in, n, out)
					      : dump_view(o, &v, REGEX_GROK, out);
	view_free(&v);
	return r;
}

/* The line with its values in red. */
static void put_colored(const struct format *m, const struct extract *ex, const uint8_t *line,
			size_t n, FILE *out)
{
	size_t at = 0;

	for (uint32_t i = 0; i < m->nseg; i++) {
		if (!m->seg[i].value || ex[i].off < at)
			continue;
		out_printable(out, line + at, ex[i].off - at);
		fputs(OUT_RED, out);
		out_printable(out, line + ex[i].off, ex[i].len);
		fputs(OUT_PLAIN, out);
		at = ex[i].off + ex[i].len;
	}
	out_printable(out, line + at, n - at);
}

static void put_record(const struct format *m, const struct extract *ex, bool extracted,
		       const uint8_t *line, size_t n, const char *file, uint64_t number, FILE *out)
{
	bool first = true;

	fprintf(out, "{\"id\":\"%s\",\"file\":", m->id);
	out_string(out, (const uint8_t *)file, strlen(file));
	fprintf(out, ",\"line\":%" PRIu64 ",\"values\":{", number);
	for (uint32_t i = 0; extracted && i < m->nseg; i++) {
		if (!m->seg[i].value)
			continue;
		fprintf(out, "%s\"%s\":", first ? "" : ",", m->seg[i].name);
		out_string(out, line + ex[i].off, ex[i].len);
		first = false;
	}
	fputs("},\"text\":", out);
	out_string(out, line, n);
	fputs("}\n", out);
}

void dump_line(const struct opts *o, const struct formats *f, uint32_t skel, bool continued,
	       const uint8_t *line, size_t n, const char *file, uint64_t number, FILE *out)
{
	const struct format *m = &f->v[f->of_skel[skel]];
	struct extract ex[2 * TOK_MAX];
	bool color = o->dumper != DUMP_NDJSON && isatty(fileno(out)), extracted = false;

	if (!dump_wanted(m, (void *)(uintptr_t)o))
		return;
	if (!continued && (color || o->dumper == DUMP_NDJSON))
		extracted = !format_extract(f, m, line, n, ex);
	if (o->dumper == DUMP_NDJSON) {
		put_record(m, ex, extracted, line, n, file, number, out);
		return;
	}
	fprintf(out, "[%s] ", m->id);
	if (extracted)
		put_colored(m, ex, line, n, out);
	else
		fwrite(line, 1, n, out);
	putc('\n', out);
}

int dump_lines(const struct opts *o, struct skels *t, const struct formats *f,
	       const struct input *in, size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		struct lines_record record = {0};
		uint32_t skel = SKEL_NONE;
		const uint8_t *line;
		size_t at = 0, len;
		uint64_t number = 0;

		while (lines_next(in[i].p, in[i].n, &at, &line, &len, &number)) {
			bool continued =
				lines_continues(&o->rule, &record, line, len) && skel != SKEL_NONE;

			if (!continued)
				skel = intake_find(t, line, len);
			if (skel != SKEL_NONE)
				dump_line(o, f, skel, continued, line, len, in[i].name, number,
					  out);
		}
	}
	return 0;
}

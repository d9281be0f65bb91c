#include <stdbool.h>
#include <string.h>

#include "rt/opt_value.h"

static const char *type_word(const struct opt *o)
{
	switch (o->type) {
	case OPT_INT:
		return "N";
	case OPT_SIZE:
		return "SIZE";
	case OPT_ENUM:
		return "WORD";
	case OPT_STR:
	case OPT_DIR:
	case OPT_LIST:
		return "TEXT";
	case OPT_BOOL:
	case OPT_SWITCH:
		break;
	}
	return "";
}

/* 67108864 → "64MiB", when it is a whole multiple. */
static void put_size(FILE *out, uint64_t v)
{
	static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
	unsigned u = 0;
	while (u < 4 && v && v % 1024 == 0) {
		v /= 1024;
		u++;
	}
	fprintf(out, "%llu%s", (unsigned long long)v, units[u]);
}

/* Range, choices, default: what a reader needs to choose a value. */
static void put_facts(FILE *out, const struct opt *o)
{
	if (o->type == OPT_INT) {
		if (o->max == INT64_MAX)
			fprintf(out, " (%lld or more", (long long)o->min);
		else
			fprintf(out, " (%lld to %lld", (long long)o->min, (long long)o->max);
		if (o->unit)
			fprintf(out, " %s", o->unit);
	} else if (o->type == OPT_SIZE) {
		fputs(" (", out);
		put_size(out, (uint64_t)o->min);
		fputs(" to ", out);
		put_size(out, (uint64_t)o->max);
	} else if (o->type == OPT_ENUM) {
		fputs(" (", out);
		for (int i = 0; o->choices[i]; i++)
			fprintf(out, "%s%s", i ? ", " : "", o->choices[i]);
	} else if (o->type == OPT_LIST) {
		fputs(" (repeatable", out);
	} else if (o->def) {
		fputs(" (", out);
	}
	if (o->def && (opt_is_bool(o) || opt_is_text(o)))
		fprintf(out, "default: %s)", *o->def ? o->def : "empty");
	else if (o->def)
		fprintf(out, "; default: %s)", o->def);
	else if (!opt_is_bool(o) && !opt_is_text(o))
		fputs(")", out);
}

/* Prints text wrapped at 96 columns, every line indented; returns nothing. */
static void put_wrapped(FILE *out, const char *text, int indent)
{
	int column = indent;
	while (*text) {
		size_t n = strcspn(text, " ");
		if (column + (int)n + 1 > 96 && column > indent) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, n, out);
		column += (int)n;
		text += n;
		while (*text == ' ')
			text++;
	}
}

void opt_help_row(const struct opt *o, FILE *out)
{
	char flag[96];
	bool on = opt_is_bool(o) && o->def && strcmp(o->def, "true") == 0;
	snprintf(flag, sizeof flag, "--%s%s%s%s", on ? "[no-]" : "", o->name,
		 *type_word(o) ? " " : "", type_word(o));
	opt_dashes(flag, ' ');
	if (o->flag)
		fprintf(out, "  -%c, %-26s", o->flag, flag);
	else
		fprintf(out, "      %-26s", flag);
	if (strlen(flag) >= 26)
		fprintf(out, "\n%32s", "");
	/* The facts go through the same wrapping as the sentence. */
	char text[1024];
	FILE *mem = fmemopen(text, sizeof text, "w");
	if (!mem)
		return;
	fputs(o->help, mem);
	put_facts(mem, o);
	fclose(mem);
	text[sizeof text - 1] = '\0';
	put_wrapped(out, text, 32);
	fputc('\n', out);
}

void opt_help(const struct opt_section *sections, size_t nsections, FILE *out)
{
	for (size_t k = 0; k < nsections; k++)
		for (const struct opt *o = sections[k].opts; o && o->name; o++)
			opt_help_row(o, out);
}

/* Text that YAML would read as something else, or cut, is quoted. */
static void put_yaml_text(FILE *out, const char *t)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
	bool quote = !*t || strspn(t, plain) != strlen(t) || *t == '-';
	if (!quote) {
		fputs(t, out);
		return;
	}
	fputc('"', out);
	for (; *t; t++) {
		if (*t == '"' || *t == '\\')
			fputc('\\', out);
		if ((unsigned char)*t < 0x20 || *t == 0x7f)
			fprintf(out, "\\x%02x", (unsigned)*t);
		else
			fputc(*t, out);
	}
	fputc('"', out);
}

static void put_value(FILE *out, const struct opt_section *s, const struct opt *o)
{
	const void *v = opt_value(s, o);
	switch (o->type) {
	case OPT_BOOL:
	case OPT_SWITCH:
		fputs(*(const bool *)v ? "true" : "false", out);
		break;
	case OPT_INT:
		fprintf(out, "%lld", (long long)*(const int64_t *)v);
		break;
	case OPT_SIZE:
		put_size(out, *(const uint64_t *)v);
		break;
	case OPT_ENUM:
		fputs(o->choices[*(const int *)v], out);
		break;
	case OPT_STR:
	case OPT_DIR:
		if (*(const char *const *)v)
			put_yaml_text(out, *(const char *const *)v);
		break;
	case OPT_LIST: {
		const struct opt_list *l = v;
		fputc('[', out);
		for (size_t i = 0; i < l->n; i++) {
			fputs(i ? ", " : "", out);
			put_yaml_text(out, l->v[i]);
		}
		fputc(']', out);
		break;
	}
	}
}

void opt_print(const struct opt_section *sections, size_t nsections, FILE *out)
{
	for (size_t k = 0; k < nsections; k++) {
		const struct opt_section *s = &sections[k];
		const char *indent = *s->name ? "  " : "";
		if (*s->name)
			fprintf(out, "%s%s:\n", k ? "\n" : "", s->name);
		for (const struct opt *o = s->opts; o && o->name; o++) {
			if (!*s->name && strcmp(o->name, "config") == 0)
				continue; /* a file does not name itself */
			fprintf(out, "%s# %s", indent, o->help);
			put_facts(out, o);
			fprintf(out, "\n%s%s:", indent, o->name);
			if (!opt_is_text(o) || *(const char *const *)opt_value(s, o))
				fputc(' ', out);
			put_value(out, s, o);
			fputc('\n', out);
		}
	}
}

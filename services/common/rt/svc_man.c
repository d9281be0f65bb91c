#include "rt/svc_man.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "rt/svc_stat.h"
#include "services/services.h"

/* Text in which roff sees nothing special. */
static void put_text(FILE *out, const char *t)
{
	bool line_start = true;
	for (; *t; t++) {
		if (line_start && (*t == '.' || *t == '\''))
			fputs("\\&", out);
		if (*t == '\\')
			fputs("\\e", out);
		else if (*t == '-')
			fputs("\\-", out);
		else
			fputc(*t, out);
		line_start = *t == '\n';
	}
}

/* The details are columns already: a word, then its explanation, continued lines indented. */
static void put_details(FILE *out, const char *t)
{
	fputs(".nf\n", out);
	put_text(out, t);
	fputs("\n.fi\n", out);
}

static void put_options(FILE *out, const struct opt_section *s)
{
	/* One home for how an option reads: the lines of --help, refilled. */
	for (const struct opt *o = s->opts; o && o->name; o++) {
		char *text = NULL;
		size_t n = 0;
		FILE *mem = open_memstream(&text, &n);
		if (!mem)
			return;
		opt_help_row(o, mem);
		fclose(mem);
		char *p = text + strspn(text, " ");
		char *end = strstr(p, "  ");
		char *line = strchr(p, '\n');
		if (!end || (line && line < end))
			end = line;
		fputs(".TP\n.B ", out);
		if (end)
			*end++ = '\0';
		put_text(out, p);
		fputc('\n', out);
		bool space = true;
		for (p = end ? end : p + strlen(p); *p; p++) {
			char c[2] = {isspace((unsigned char)*p) ? ' ' : *p, '\0'};
			if (*c != ' ' || !space)
				put_text(out, c);
			space = *c == ' ';
		}
		fputc('\n', out);
		free(text);
	}
}

static void put_metrics(FILE *out, const struct metric *m, size_t n)
{
	static const char *const kinds[] = {"counter", "gauge", "drop"};
	for (size_t i = 0; i < n; i++) {
		fprintf(out, ".TP\n.B %s\n(%s, %s) ", m[i].name, kinds[m[i].kind], m[i].unit);
		put_text(out, m[i].help);
		fputc('\n', out);
	}
}

void svc_man(const struct svc_desc *d, const struct opt_section *sections, FILE *out)
{
	char upper[32];
	snprintf(upper, sizeof upper, "%s", d->name);
	for (char *p = upper; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	fprintf(out, ".TH LURKER\\-%s 8 \"\" \"lurker %s\" \"lurker\"\n.SH NAME\nlurker\\-%s \\- ",
		upper, LURKER_VERSION, d->name);
	put_text(out, service_row(d->name)->summary);
	fprintf(out, "\n.SH SYNOPSIS\n.B lurker\\-%s\n[options]%s%s\n.SH DESCRIPTION\n", d->name,
		d->operands ? " " : "", d->operands ? d->operands : "");
	put_details(out, d->details);
	fputs(".SH OPTIONS\n", out);
	put_options(out, &sections[1]);
	fputs(".SH COMMON OPTIONS\n", out);
	put_options(out, &sections[0]);
	fputs(".TP\n.B \\-\\-check\nCheck the configuration and end.\n.TP\n.B "
	      "\\-\\-print\\-config\nPrint the values in force as YAML and end.\n.TP\n.B "
	      "\\-\\-help\\-metrics\nList the counters and gauges and end.\n",
	      out);
	fprintf(out,
		".SH CONFIGURATION\nEach option is also a key of the configuration file, with "
		"underscores: in the section\n.B %s\n(common ones at the top level), and a "
		"variable:\n.B LURKER_%s_KEY\n(common ones\n.BR LURKER_KEY ).\nFlags win over "
		"variables, variables over the file.\n",
		d->name, upper);
	fputs(".SH METRICS\nPublished once a second under the topic\n.BR stat ;\n.B lurker "
	      "stat\nshows them.\n",
	      out);
	put_metrics(out, d->metrics, d->nmetrics);
	put_metrics(out, svc_bus_metrics, SVC_BUS_METRICS);
	fputs(".SH EXIT STATUS\n0 done, 1 failure, 2 usage or configuration.\n.SH FILES\n"
	      ".I /etc/lurker/lurker.yml\n.br\n.I /var/lib/lurker\n.br\n.I /run/lurker\n.SH SEE "
	      "ALSO\n"
	      ".BR lurker (1)\n",
	      out);
}

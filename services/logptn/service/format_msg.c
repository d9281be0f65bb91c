#include "logptn/service/format_msg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds the lines of each port of one skeleton. */
static void add_ports(struct tags *all, const struct tags *g)
{
	for (uint32_t k = 0; k < g->n; k++) {
		uint32_t at = 0;

		while (at < all->n && all->v[at].tag != g->v[k].tag)
			at++;
		if (at == FORMAT_MSG_PORTS) {
			all->other += g->v[k].lines;
			continue;
		}
		if (at == all->n)
			all->v[all->n++] = (struct tag){g->v[k].tag, 0};
		all->v[at].lines += g->v[k].lines;
	}
	all->other += g->other;
}

static void put_ports(struct format_msg *out, const struct formats *f, const struct format *m)
{
	struct tags all = {0};
	size_t n = 0;

	for (uint32_t i = 0; i < m->nskel; i++)
		if (f->skels->v[m->skel[i]].tags)
			add_ports(&all, f->skels->v[m->skel[i]].tags);
	for (; n < all.n; n++) {
		snprintf(out->names[n], sizeof out->names[n], "%u", all.v[n].tag & 0xffff);
		out->ports[n] = (struct msg_count){bytes_str(out->names[n]), all.v[n].lines};
	}
	if (all.other)
		out->ports[n++] = (struct msg_count){bytes_str("other"), all.other};
	out->msg.ports = (struct msg_counts){out->ports, n};
}

static void put_examples(struct format_msg *out, const struct formats *f, const struct format *m)
{
	size_t n = 0;

	for (uint32_t i = 0; i < m->nskel && n < FORMAT_MSG_EXAMPLES; i++) {
		const struct skel *s = &f->skels->v[m->skel[i]];

		for (unsigned k = 0; k < s->nsamples && n < FORMAT_MSG_EXAMPLES; k++)
			out->examples[n++] = bytes_of(s->sample[k]->text, s->sample[k]->len);
	}
	out->msg.examples.v = out->examples;
	out->msg.examples.n = n;
}

void format_msg_init(struct format_msg *out, const char *app, const struct formats *f,
		     const struct format *m)
{
	out->regex = format_regex(m, REGEX_PCRE);
	out->msg = (struct msg_format){
		.id = bytes_str(m->id),
		.template = bytes_str(m->template),
		.count = m->lines,
		.first_seen_ns = m->first_ns,
		.last_seen_ns = m->last_ns,
		.new = m->fresh,
		.app = bytes_str(app),
	};
	if (out->regex)
		out->msg.regex = bytes_str(out->regex);
	put_examples(out, f, m);
	out->msg.was.v = out->was;
	for (size_t n = 0; n < m->nwas && n < FORMAT_MSG_WAS; n++)
		out->was[out->msg.was.n++] = bytes_str(m->was[n]);
	put_ports(out, f, m);
}

void format_msg_fini(struct format_msg *out)
{
	free(out->regex);
	out->regex = NULL;
}

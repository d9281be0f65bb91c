#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/merge_int.h"

uint32_t merge_alive(const struct pats *p, struct pat_row *rows, uint32_t n)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++)
		if (!p->v[rows[i].pat].dead)
			rows[k++] = rows[i];
	return k;
}

bool merge_replace(struct pats *p, const struct pat_row *rows, uint32_t n, uint32_t a, uint32_t b)
{
	const struct pat *q = &p->v[rows[0].pat];
	uint32_t code[TOK_MAX], len = q->n, *from;

	memcpy(code, q->code, len * sizeof *code);
	code[a] = code[b] = PAT_VALUE;
	from = malloc(n * sizeof *from);
	if (!from) {
		p->failed = true;
		return false;
	}
	for (uint32_t i = 0; i < n; i++)
		from[i] = rows[i].pat;
	pats_replace(p, from, n, code, len, q->headed);
	free(from);
	return true;
}

uint64_t merge_without(const struct pats *p, const struct pat *q, uint32_t i)
{
	return q->hash - pat_mix(p->sym[q->code[i]].hash, i + 1);
}

bool merge_groups(struct pats *p, struct pat_row *rows, size_t n, merge_group_fn fn)
{
	bool changed = false;

	pat_rows_sort(rows, n);
	for (size_t i = 0, e; i < n; i = e) {
		uint32_t m;

		for (e = i + 1; e < n && rows[e].key == rows[i].key; e++)
			;
		m = merge_alive(p, rows + i, (uint32_t)(e - i));
		if (m > 1)
			changed |= fn(p, rows + i, m);
	}
	return changed;
}

int merge_run(struct pats *p)
{
	/* Each change removes a pattern, so this ends; the bound is for the rare ping-pong of
	 * revived ones. */
	for (int round = 0; round < 32 && !p->failed; round++) {
		bool changed = merge_slots(p);

		changed |= merge_stems(p);
		changed |= merge_values(p);
		changed |= merge_pairs(p);
		changed |= merge_forms(p);
		changed |= merge_lists(p);
		changed |= merge_spans(p);
		if (!changed)
			break;
	}
	return p->failed ? -ENOMEM : 0;
}

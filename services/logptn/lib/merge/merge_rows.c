#include "logptn/lib/merge/merge_rows.h"

#include <stdlib.h>
#include <string.h>

uint32_t merge_alive(const struct pats *p, struct pat_row *rows, uint32_t n)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++)
		if (!p->v[rows[i].pat].dead)
			rows[k++] = rows[i];
	return k;
}

bool merge_join(struct pats *p, const struct pat_row *rows, size_t n, const uint32_t *code,
		uint32_t len)
{
	uint32_t *from = malloc(n * sizeof *from);

	if (!from) {
		p->failed = true;
		return false;
	}
	for (size_t i = 0; i < n; i++)
		from[i] = rows[i].pat;
	pats_replace(p, from, n, code, len, p->v[rows[0].pat].headed);
	free(from);
	return true;
}

bool merge_replace(struct pats *p, const struct pat_row *rows, size_t n, uint32_t a, uint32_t b)
{
	const struct pat *q = &p->v[rows[0].pat];
	uint32_t code[TOK_MAX];

	memcpy(code, q->code, q->n * sizeof *code);
	code[a] = code[b] = PAT_VALUE;
	return merge_join(p, rows, n, code, q->n);
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

bool merge_by_key(struct pats *p, merge_key_fn key, merge_group_fn fn)
{
	struct pat_row *rows = malloc((p->n + 1) * sizeof *rows);
	size_t n = 0;
	bool changed;

	if (!rows) {
		p->failed = true;
		return false;
	}
	for (uint32_t k = 0; k < p->n; k++) {
		const struct pat *q = &p->v[k];
		uint64_t h;

		if (!q->dead && key(p, q, &h))
			rows[n++] = (struct pat_row){h, q->hash, k, 0};
	}
	changed = merge_groups(p, rows, n, fn);
	free(rows);
	return changed;
}

/*
 * "ask 10.0.0.1 to delete blk_1 blk_2 blk_3": the same format with more or fewer values of a list.
 * A run of values with the same separator (blanks and commas) is a list; only runs whose length
 * varies become one value.
 */
#include <stdlib.h>
#include <string.h>

#include "logptn/lib/merge/merge_passes.h"
#include "logptn/lib/merge/merge_rows.h"

#define RUNS_MAX 64u

static bool separator(const struct pats *p, uint32_t code)
{
	return pats_is(p, code, SYM_BLANK) || pats_punct(p, code, ',');
}

/* The end of the run of values that starts with the value at i; *items is how many there are. */
static uint32_t run_end(const struct pats *p, const struct pat *q, uint32_t i, uint32_t *items)
{
	uint32_t sep = 0, sep_n = 0, j = i + 1;

	*items = 1;
	for (;;) {
		uint32_t k = j;

		while (k < q->n && separator(p, q->code[k]))
			k++;
		if (k == j || k >= q->n || q->code[k] != PAT_VALUE)
			return j;
		if (*items > 1 &&
		    (k - j != sep_n || memcmp(q->code + j, q->code + sep, sep_n * sizeof *q->code)))
			return j;
		sep = j;
		sep_n = k - j;
		(*items)++;
		j = k + 1;
	}
}

/* The pattern with each run as one value, and the lengths of the runs. Returns the hash. */
static uint64_t lists_signature(const struct pats *p, const struct pat *q, uint32_t *lens,
				uint32_t *runs, bool *any)
{
	uint64_t h = pat_mix(q->headed, 1);
	uint32_t pos = 0;

	*runs = 0;
	*any = false;
	for (uint32_t i = 0; i < q->n;) {
		uint32_t items;

		h += pat_mix(p->sym[q->code[i]].hash, ++pos);
		if (q->code[i] != PAT_VALUE) {
			i++;
			continue;
		}
		i = run_end(p, q, i, &items);
		if (*runs < RUNS_MAX)
			lens[(*runs)++] = items;
		else
			h += pat_mix(items, pos); /* beyond the bound lengths have to agree */
		*any |= items > 1;
	}
	return h;
}

static bool lists_join(struct pats *p, const struct pat_row *rows, size_t n)
{
	const struct pat *q = &p->v[rows[0].pat];
	uint32_t first[RUNS_MAX], lens[RUNS_MAX], runs, k, code[TOK_MAX], len = 0, run = 0;
	bool varies[RUNS_MAX] = {false}, any, some = false;

	lists_signature(p, q, first, &runs, &any);
	for (size_t i = 0; i < n; i++) {
		lists_signature(p, &p->v[rows[i].pat], lens, &k, &any);
		some |= any;
		for (uint32_t r = 0; r < runs; r++)
			varies[r] |= lens[r] != first[r];
	}
	if (!some)
		return false;
	for (uint32_t i = 0; i < q->n;) {
		uint32_t items, e;

		if (q->code[i] != PAT_VALUE) {
			code[len++] = q->code[i++];
			continue;
		}
		e = run_end(p, q, i, &items);
		if (run < RUNS_MAX && varies[run]) {
			code[len++] = PAT_VALUE;
		} else {
			memcpy(code + len, q->code + i, (e - i) * sizeof *code);
			len += e - i;
		}
		run++;
		i = e;
	}
	return merge_join(p, rows, n, code, len);
}

static bool lists_key(const struct pats *p, const struct pat *q, uint64_t *key)
{
	uint32_t lens[RUNS_MAX], runs;
	bool any;

	if (!pats_words(p, q->code, q->n))
		return false;
	*key = lists_signature(p, q, lens, &runs, &any);
	return true;
}

bool pass_lists(struct pats *p)
{
	return merge_by_key(p, lists_key, lists_join);
}

#include "logptn/lib/merge/merge.h"

#include <errno.h>

#include "logptn/lib/merge/merge_passes.h"

static const merge_pass passes[] = {
	pass_slots, pass_stems, pass_keyed, pass_pairs,
	pass_forms, pass_lists, pass_spans, pass_quotes,
};

/* Each change removes a pattern, so this ends; the bound is for patterns that are revived in
 * turns, which is rare. */
#define ROUNDS_MAX 32

int merge_run(struct pats *p)
{
	bool changed = true;

	for (int round = 0; changed && round < ROUNDS_MAX && !p->failed; round++) {
		changed = false;
		for (size_t i = 0; i < sizeof passes / sizeof *passes; i++)
			changed |= passes[i](p);
	}
	return p->failed ? -ENOMEM : 0;
}

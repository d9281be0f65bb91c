#include "logptn/lib/pat/pat_words.h"

#include <string.h>

#include "logptn/lib/pat/vocab.h"

uint32_t pats_split(const struct pats *p, const struct pat *q, struct span *out)
{
	uint32_t n = 0, from = 0;

	for (uint32_t i = 0; i < q->n; i++)
		if (pats_is(p, q->code[i], SYM_BLANK)) {
			out[n++] = (struct span){from, i};
			from = i + 1;
		}
	out[n++] = (struct span){from, q->n};
	return n;
}

bool pats_has_value(const uint32_t *code, struct span s)
{
	for (uint32_t i = s.from; i < s.to; i++)
		if (code[i] == PAT_VALUE)
			return true;
	return false;
}

struct span pats_trim(const struct pats *p, const uint32_t *code, struct span s, const char *set)
{
	while (s.to > s.from + 1) {
		const struct sym *last = &p->sym[code[s.to - 1]];

		if (!(last->flags & SYM_PUNCT) || last->len != 1 || !strchr(set, last->text[0]))
			break;
		s.to--;
	}
	return s;
}

bool pats_delimiter_in(const struct pats *p, uint32_t code, const char *set)
{
	const struct sym *s = &p->sym[code];

	if (!(s->flags & SYM_PUNCT) || !s->len)
		return false;
	for (; *set; set++) {
		/* Characters of the set start where a byte does not continue one. */
		if (!strncmp(set, (const char *)s->text, s->len) &&
		    ((uint8_t)set[s->len] & 0xc0) != 0x80)
			return true;
	}
	return false;
}

bool pats_word_is(const struct pats *p, uint32_t code, const char *word)
{
	const struct sym *s = &p->sym[code];

	return s->flags & SYM_WORD && s->len == strlen(word) &&
	       s->lower == vocab_fold((const uint8_t *)word, s->len);
}

/* "msg":"…" and the like carry the message of a structured line, so their text is judged like any
 * other text. */
static bool key_of_message(const struct pats *p, uint32_t code)
{
	static const char *const keys[] = {"msg",    "message", "event", "error",
					   "reason", "text",    "log",   NULL};

	for (const char *const *k = keys; *k; k++)
		if (pats_word_is(p, code, *k))
			return true;
	return false;
}

bool pats_keyed(const struct pats *p, const uint32_t *c, uint32_t i)
{
	if (i && pats_delimiter_in(p, c[i - 1], "\"'"))
		i--;
	if (i && pats_is(p, c[i - 1], SYM_BLANK))
		i--;
	if (!i)
		return false;
	if (pats_punct(p, c[i - 1], '=')) {
		if (i > 1 && pats_is(p, c[i - 2], SYM_BLANK))
			i--;
		return i < 2 || !key_of_message(p, c[i - 2]);
	}
	return i > 3 && pats_punct(p, c[i - 1], ':') && pats_punct(p, c[i - 2], '"') &&
	       !key_of_message(p, c[i - 3]);
}

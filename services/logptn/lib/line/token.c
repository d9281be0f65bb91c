#include "logptn/lib/line/token.h"

#include <stdbool.h>
#include <string.h>

#include "logptn/lib/line/chars.h"
#include "logptn/lib/line/script.h"
#include "logptn/lib/line/value_scan.h"
#include "proto/utf8.h"

const char *tok_type_name(enum tok_type t)
{
	static const char *const names[TYPE_COUNT] = {
		"word",  "number", "id",   "time", "ip",   "url",   "path",
		"email", "host",   "bool", "null", "list", "bytes", "rest",
	};
	return names[t];
}

struct reader {
	const uint8_t *s;
	size_t n, i;
	struct token *out;
	size_t ntok;
};

static bool delimiter(uint8_t c)
{
	return c && strchr(" \t,;:=\"'()[]{}<>|@#*!?&", c);
}

static void add(struct reader *r, enum tok_kind kind, enum tok_type type, size_t off, size_t len)
{
	struct token *t = &r->out[r->ntok++];

	t->kind = (uint8_t)kind;
	t->type = (uint8_t)type;
	t->off = (uint32_t)off;
	t->len = (uint32_t)len;
	t->chars = chars_of_shape(r->s + off, len);
}

/* Two words or values need a delimiter between them, if only an empty one. */
static void add_text(struct reader *r, enum tok_kind kind, enum tok_type type, size_t off,
		     size_t len)
{
	if (r->ntok && r->out[r->ntok - 1].kind != TOK_PUNCT && r->ntok < TOK_MAX - 2)
		add(r, TOK_PUNCT, 0, off, 0);
	add(r, kind, type, off, len);
}

/* The script of the character at i, and its length in bytes. ASCII and marks are letters. */
static enum script script_at(const struct reader *r, size_t i, size_t *len)
{
	uint32_t cp;

	*len = 1;
	if (r->s[i] < 0x80)
		return SCRIPT_LETTER;
	*len = utf8_decode(r->s + i, r->n - i, &cp); /* never 0: a shape is valid UTF-8 */
	if (!*len) {
		*len = 1;
		return SCRIPT_LETTER;
	}
	return script_of(cp);
}

static bool blank_at(const struct reader *r, size_t i, size_t *len)
{
	*len = 1;
	if (r->s[i] == ' ' || r->s[i] == '\t')
		return true;
	return r->s[i] >= 0x80 && script_at(r, i, len) == SCRIPT_SPACE;
}

/* Values with an inner structure. */
static bool structured(struct reader *r)
{
	static const struct {
		size_t (*scan)(const uint8_t *, size_t);
		enum tok_type type;
	} rows[] = {
		{value_scan_month, TYPE_TIME}, {value_scan_url, TYPE_URL},
		{value_scan_date, TYPE_TIME},  {value_scan_time, TYPE_TIME},
		{value_scan_ip, TYPE_IP},      {value_scan_colons, TYPE_IP},
		{value_scan_path, TYPE_PATH},  {value_scan_email, TYPE_EMAIL},
	};

	if (r->i && (shape_alnum(r->s[r->i - 1]) || r->s[r->i - 1] >= 0x80))
		return false;
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		size_t len = rows[k].scan(r->s + r->i, r->n - r->i);

		if (!len)
			continue;
		/* What hangs on to it belongs to it: 2006-01-02-15.04.05. */
		while (r->i + len < r->n &&
		       (shape_alnum(r->s[r->i + len]) ||
			(strchr("-._~+", r->s[r->i + len]) && r->i + len + 1 < r->n &&
			 shape_mark(r->s[r->i + len + 1]))))
			len++;
		add_text(r, TOK_VALUE, rows[k].type, r->i, len);
		r->i += len;
		return true;
	}
	return false;
}

static bool is_number(const uint8_t *s, size_t n)
{
	size_t i = n && (s[0] == '-' || s[0] == '+');

	while (i < n && (s[i] == SHAPE_DIGITS || s[i] == SHAPE_MIXED || s[i] == SHAPE_WIDE)) {
		i++;
		if (i + 1 < n && (s[i] == '.' || s[i] == ','))
			i++;
	}
	return i == n;
}

static bool is_one_of(const uint8_t *s, size_t n, const char *const *list)
{
	for (; *list; list++)
		if (strlen(*list) == n && !memcmp(*list, s, n))
			return true;
	return false;
}

static enum tok_type value_type(const uint8_t *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] == SHAPE_CONTROL || s[i] == SHAPE_BROKEN)
			return TYPE_BYTES;
		else if (s[i] == SHAPE_CUT)
			return TYPE_REST;
	return is_number(s, n) ? TYPE_NUMBER : TYPE_ID;
}

/* What stands between delimiters: a word or, if digits were in it, a value. */
static void word(struct reader *r)
{
	static const char *const bools[] = {"true", "false", "True", "False",
					    "TRUE", "FALSE", NULL};
	static const char *const nulls[] = {"null", "NULL", "nil", "None", NULL};
	size_t i = r->i, len, e, dots = 0;
	enum script script = script_at(r, i, &len);
	const uint8_t *s = r->s + i;
	bool mark = false, other = false;

	for (e = i; e < r->n && !delimiter(r->s[e]); e += len) {
		if (script_at(r, e, &len) != script)
			break;
		if (e > i && r->s[e] == '.' && e + 1 < r->n && r->s[e + 1] == '.')
			break; /* leaders: "state.......0" */
		mark |= shape_mark(r->s[e]);
		dots += r->s[e] == '.';
		other |= r->s[e] != '.' && r->s[e] != '-';
	}
	len = e - i;
	if (other)
		while (len > 1 && (s[len - 1] == '.' || s[len - 1] == '-'))
			len--;
	if (!mark && !other) {
		add(r, TOK_PUNCT, 0, i, len);
	} else if (mark) {
		/* host:port, but not the time of "took 5:3". */
		if (i + len + 1 < r->n && s[len] == ':' && s[len + 1] == SHAPE_DIGITS &&
		    !is_number(s, len))
			len += 2;
		add_text(r, TOK_VALUE, value_type(s, len), i, len);
	} else if (is_one_of(s, len, bools)) {
		add_text(r, TOK_VALUE, TYPE_BOOL, i, len);
	} else if (i && strchr("=([|", r->s[i - 1]) && is_one_of(s, len, nulls)) {
		add_text(r, TOK_VALUE, TYPE_NULL, i, len);
	} else if (dots >= 2 && i + len + 1 < r->n && s[len] == ':' && s[len + 1] == SHAPE_DIGITS) {
		len += 2;
		add_text(r, TOK_VALUE, TYPE_HOST, i, len);
	} else {
		add_text(r, TOK_WORD, 0, i, len);
	}
	r->i = i + len;
}

/* Like an14 and an15: the same but for digits, and with digits. */
static bool same_stem(const struct reader *r, const struct token *a, const struct token *b)
{
	const uint8_t *p = r->s + a->off, *q = r->s + b->off, *pe = p + a->len, *qe = q + b->len;

	while (p < pe && q < qe) {
		bool dp = *p >= '0' && *p <= '9', dq = *q >= '0' && *q <= '9';

		if (dp != dq || (!dp && *p != *q))
			return false;
		if (!dp) {
			p++;
			q++;
			continue;
		}
		while (p < pe && *p >= '0' && *p <= '9')
			p++;
		while (q < qe && *q >= '0' && *q <= '9')
			q++;
	}
	return p == pe && q == qe;
}

static bool blank_token(const struct reader *r, const struct token *t)
{
	size_t len;

	return t->kind == TOK_PUNCT && t->len && blank_at(r, t->off, &len);
}

/* A run of three or more words that differ in their digits only is one value: a list. */
static void fold_lists(struct reader *r)
{
	size_t o = 0;

	for (size_t i = 0; i < r->ntok;) {
		struct token *t = &r->out[i];
		size_t e = i, items = 1;
		bool alone = !i || blank_token(r, &r->out[i - 1]);

		if (t->kind == TOK_WORD && t->chars & CHARS_DIGIT && alone)
			for (; e + 2 < r->ntok && blank_token(r, &r->out[e + 1]); e += 2, items++) {
				const struct token *u = &r->out[e + 2];

				if (e + 3 < r->ntok && !blank_token(r, &r->out[e + 3]))
					break;
				if (u->kind == TOK_PUNCT ||
				    (u->kind == TOK_WORD && !same_stem(r, t, u)))
					break;
			}
		r->out[o] = *t;
		if (items >= 3) {
			r->out[o].kind = TOK_VALUE;
			r->out[o].type = TYPE_LIST;
			r->out[o].len = r->out[e].off + r->out[e].len - t->off;
			for (size_t k = i + 1; k <= e; k++)
				r->out[o].chars |= r->out[k].chars;
			i = e;
		}
		o++;
		i++;
	}
	r->ntok = o;
}

static bool value_beside(const struct reader *r, size_t from, size_t to)
{
	return (from > 1 && r->out[from - 2].kind == TOK_VALUE) ||
	       (to + 1 < r->ntok && r->out[to + 1].kind == TOK_VALUE);
}

/* Among values, a word of three or more asterisks stands for one: "3552 **** 3515". */
static void fold_masks(struct reader *r)
{
	size_t o = 0;

	for (size_t i = 0; i < r->ntok; i++) {
		size_t e = i;

		while (e < r->ntok && r->out[e].kind == TOK_PUNCT && r->out[e].len == 1 &&
		       r->s[r->out[e].off] == '*')
			e++;
		r->out[o] = r->out[i];
		if (e - i >= 3 && i && e < r->ntok && blank_token(r, &r->out[i - 1]) &&
		    blank_token(r, &r->out[e]) && value_beside(r, i, e)) {
			r->out[o].kind = TOK_VALUE;
			r->out[o].type = TYPE_NULL;
			r->out[o].len = (uint32_t)(e - i);
			i = e - 1;
			/* What has been folded moves; what is looked at again must be there. */
			r->out[i] = r->out[o];
		}
		o++;
	}
	r->ntok = o;
}

size_t tokenize(const uint8_t *shape, size_t n, struct token *out)
{
	struct reader r = {.s = shape, .n = n, .out = out};
	size_t len;

	while (r.i < n) {
		if (r.ntok >= TOK_MAX - 4) {
			add_text(&r, TOK_VALUE, TYPE_REST, r.i, n - r.i);
			out[r.ntok - 1].chars = CHARS_ALL;
			break;
		}
		if (blank_at(&r, r.i, &len)) {
			size_t at = r.i;

			while (r.i < n && blank_at(&r, r.i, &len))
				r.i += len;
			if (r.ntok && r.i < n)
				add(&r, TOK_PUNCT, 0, at, r.i - at);
			continue;
		}
		if (structured(&r))
			continue;
		if (script_at(&r, r.i, &len) == SCRIPT_PUNCT || delimiter(shape[r.i])) {
			add(&r, TOK_PUNCT, 0, r.i, len);
			r.i += len;
			continue;
		}
		for (len = 0; r.i + len < n && shape[r.i + len] == '.'; len++)
			;
		if (len >= 2) {
			add(&r, TOK_PUNCT, 0, r.i, len);
			r.i += len;
			continue;
		}
		word(&r);
	}
	fold_masks(&r);
	fold_masks(&r); /* the first of several: its neighbour is a value now */
	fold_lists(&r);
	return r.ntok;
}

size_t tok_text(const uint8_t *shape, const struct token *t, size_t ntok, uint8_t *out)
{
	struct reader r = {.s = shape, .n = SHAPE_ROOM};
	size_t o = 0;

	for (size_t i = 0; i < ntok; i++) {
		if (t[i].kind == TOK_VALUE) {
			out[o++] = TEXT_VALUE;
			continue;
		}
		out[o++] = t[i].kind == TOK_WORD ? TEXT_WORD : TEXT_PUNCT;
		if (blank_token(&r, &t[i])) {
			/* White space beyond ASCII stays told apart: an expression for it is
			 * another one. */
			if (t[i].chars & CHARS_HIGH) {
				memcpy(out + o, "\xe3\x80\x80", 3);
				o += 3;
			} else {
				out[o++] = ' ';
			}
			continue;
		}
		memcpy(out + o, shape + t[i].off, t[i].len);
		o += t[i].len;
	}
	return o;
}

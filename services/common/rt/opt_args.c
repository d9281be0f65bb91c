#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "rt/opt_value.h"

/* Lists that a flag has set: a flag's first value replaces what file or variable gave. */
#define SEEN_MAX 64

struct args {
	const struct opt_section *sections;
	size_t nsections;
	const struct opt *seen[SEEN_MAX];
	size_t nseen;
	char *err;
	size_t errlen;
};

/* A flag is the key with dashes for underscores. */
static bool flag_is(const char *flag, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!key[i] || (flag[i] == '-' ? '_' : flag[i]) != key[i])
			return false;
	return key[n] == '\0';
}

static const struct opt *args_find(const struct args *a, const char *flag, size_t n, char letter,
				   const struct opt_section **in)
{
	for (size_t k = 0; k < a->nsections; k++)
		for (const struct opt *o = a->sections[k].opts; o && o->name; o++) {
			if (letter ? o->flag == letter : flag_is(flag, n, o->name)) {
				*in = &a->sections[k];
				return o;
			}
		}
	return NULL;
}

static int args_set(struct args *a, const struct opt_section *s, const struct opt *o,
		    const char *text)
{
	if (o->type == OPT_LIST) {
		bool first = true;
		for (size_t i = 0; i < a->nseen; i++)
			first = first && a->seen[i] != o;
		if (first && a->nseen < SEEN_MAX) {
			a->seen[a->nseen++] = o;
			opt_list_clear(s, o);
		}
	}
	char why[384];
	int rc = opt_set(s, o, text, why, sizeof why);
	if (rc) {
		opt_dashes(why, ':');
		snprintf(a->err, a->errlen, "--%s", why);
	} else if (o->type == OPT_SWITCH) {
		((struct opt_switch *)opt_value(s, o))->by_flag = true;
	}
	return rc;
}

static int args_unknown(struct args *a, const char *flag)
{
	snprintf(a->err, a->errlen, "unknown option %.80s (see --help)", flag);
	return -EINVAL;
}

static int args_missing(struct args *a, const char *flag)
{
	snprintf(a->err, a->errlen, "option %.80s needs a value (see --help)", flag);
	return -EINVAL;
}

/* --key value, --key=value, --key and --no-key for booleans. */
static int take_long(struct args *a, char **argv, int argc, int *i)
{
	const char *flag = argv[*i] + 2;
	const char *eq = strchr(flag, '=');
	size_t n = eq ? (size_t)(eq - flag) : strlen(flag);
	const struct opt_section *s;
	const struct opt *o = args_find(a, flag, n, 0, &s);
	if (!o && !eq && strncmp(flag, "no-", 3) == 0) {
		o = args_find(a, flag + 3, n - 3, 0, &s);
		return o && opt_is_bool(o) ? args_set(a, s, o, "false") : args_unknown(a, argv[*i]);
	}
	if (!o)
		return args_unknown(a, argv[*i]);
	if (eq)
		return args_set(a, s, o, eq + 1);
	if (opt_is_bool(o))
		return args_set(a, s, o, "true");
	if (*i + 1 >= argc)
		return args_missing(a, argv[*i]);
	return args_set(a, s, o, argv[++*i]);
}

/* -k value, -kvalue, -ab for booleans. */
static int take_short(struct args *a, char **argv, int argc, int *i)
{
	const char *arg = argv[*i];
	for (const char *p = arg + 1; *p; p++) {
		const struct opt_section *s;
		const struct opt *o = args_find(a, NULL, 0, *p, &s);
		if (!o)
			return args_unknown(a, arg);
		if (opt_is_bool(o)) {
			int rc = args_set(a, s, o, "true");
			if (rc)
				return rc;
			continue;
		}
		if (p[1])
			return args_set(a, s, o, p + 1);
		if (*i + 1 >= argc)
			return args_missing(a, arg);
		return args_set(a, s, o, argv[++*i]);
	}
	return 0;
}

int opt_args(const struct opt_section *sections, size_t nsections, int *argc, char **argv,
	     char *err, size_t errlen)
{
	struct args a = {
		.sections = sections, .nsections = nsections, .err = err, .errlen = errlen};
	int operands = 1;
	bool flags = true;
	for (int i = 1; i < *argc; i++) {
		char *arg = argv[i];
		int rc = 0;
		if (flags && strcmp(arg, "--") == 0)
			flags = false;
		else if (flags && arg[0] == '-' && arg[1] == '-')
			rc = take_long(&a, argv, *argc, &i);
		else if (flags && arg[0] == '-' && arg[1])
			rc = take_short(&a, argv, *argc, &i);
		else
			argv[operands++] = arg;
		if (rc)
			return rc;
	}
	*argc = operands;
	return 0;
}

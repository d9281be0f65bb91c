/*
 * opt_value: what the parts of opt share (opt.c, opt_args.c, opt_yaml.c, opt_help.c).
 */
#ifndef RT_OPT_VALUE_H
#define RT_OPT_VALUE_H

#include <stdbool.h>

#include "rt/opt.h"

/* opt_is_bool: its value begins with a bool; the flag takes no value. */
bool opt_is_bool(const struct opt *o);
/* opt_is_text: its value is a string of the section's, or NULL. */
bool opt_is_text(const struct opt *o);
/* opt_dashes: makes the key at the beginning of text, up to end, a flag: dashes for underscores. */
void opt_dashes(char *text, char end);
/* Where the value of o lies in its section's struct. */
void *opt_value(const struct opt_section *s, const struct opt *o);
const struct opt *opt_find(const struct opt_section *s, const char *name);
void opt_list_clear(const struct opt_section *s, const struct opt *o);
/* Like opt_set, but text is a whole comma-separated list and replaces the old one. */
int opt_set_listed(const struct opt_section *s, const struct opt *o, const char *text, char *err,
		   size_t errlen);
/* The variable's name: LURKER_SECTION_KEY. */
void opt_env_name(const struct opt_section *s, const struct opt *o, char *out, size_t n);

#endif

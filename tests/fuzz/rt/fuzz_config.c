/* Configuration: any bytes are a good configuration or an error with file and line; what was taken
 * prints as YAML that reads back the same. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rt/opt.h"

struct conf {
	bool on;
	int64_t number;
	uint64_t size;
	const char *text;
	struct opt_list list;
	int word;
};

static const char *const words[] = {"a", "b", NULL};
#define AT(f) offsetof(struct conf, f)
static const struct opt opts[] = {
	{.name = "on", .type = OPT_BOOL, .offset = AT(on), .help = "h"},
	{.name = "number", .type = OPT_INT, .offset = AT(number), .min = -5, .max = 5, .help = "h"},
	{.name = "size", .type = OPT_SIZE, .offset = AT(size), .max = 1ll << 40, .help = "h"},
	{.name = "text", .type = OPT_STR, .offset = AT(text), .help = "h"},
	{.name = "list", .type = OPT_LIST, .offset = AT(list), .help = "h"},
	{.name = "word", .type = OPT_ENUM, .offset = AT(word), .choices = words, .help = "h"},
	{0},
};
static const char *const known[] = {"own", "other", NULL};

static char *print(const struct opt_section *s, size_t *n)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, n);
	opt_print(s, 1, f);
	fclose(f);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char err[1024] = "";
	struct conf a = {0}, b = {0};
	struct opt_section sa = {"own", opts, &a}, sb = {"own", opts, &b};
	if (opt_load_memory("f", data, size, &sa, 1, known, err, sizeof err) == 0) {
		size_t n, m;
		char *text = print(&sa, &n);
		if (opt_load_memory("f", text, n, &sb, 1, known, err, sizeof err) != 0)
			abort();
		char *again = print(&sb, &m);
		if (n != m || memcmp(text, again, n) != 0)
			abort();
		free(text);
		free(again);
	} else if (strncmp(err, "f:", 2) != 0) {
		abort();
	}
	opt_fini(&sa, 1);
	opt_fini(&sb, 1);
	return 0;
}

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rt/opt.h"

struct common {
	const char *config, *name;
};

struct conf {
	bool on;
	struct opt_switch lamp;
	int64_t number;
	uint64_t size;
	const char *text, *dir;
	struct opt_list list;
	int word;
};

static const char *const words[] = {"empty", "none", "all", NULL};

static const struct opt common_opts[] = {
	{.name = "config",
	 .flag = 'c',
	 .type = OPT_STR,
	 .offset = offsetof(struct common, config),
	 .help = "file"},
	{.name = "name",
	 .type = OPT_STR,
	 .offset = offsetof(struct common, name),
	 .def = "n",
	 .help = "a name"},
	{0},
};
static const struct opt opts[] = {
	{.name = "on",
	 .flag = 'o',
	 .type = OPT_BOOL,
	 .offset = offsetof(struct conf, on),
	 .def = "false",
	 .help = "a switch"},
	{.name = "lamp",
	 .flag = 'l',
	 .type = OPT_SWITCH,
	 .offset = offsetof(struct conf, lamp),
	 .def = "true",
	 .help = "a switch that knows whether a flag set it"},
	{.name = "idle_timeout_s",
	 .flag = 't',
	 .type = OPT_INT,
	 .offset = offsetof(struct conf, number),
	 .def = "60",
	 .min = 1,
	 .max = 3600,
	 .unit = "s",
	 .help = "a number"},
	{.name = "max_bytes",
	 .type = OPT_SIZE,
	 .offset = offsetof(struct conf, size),
	 .def = "64MiB",
	 .min = 1024,
	 .max = 1ll << 40,
	 .help = "a size"},
	{.name = "dir", .type = OPT_DIR, .offset = offsetof(struct conf, dir), .help = "a place"},
	{.name = "text", .type = OPT_STR, .offset = offsetof(struct conf, text), .help = "text"},
	{.name = "networks",
	 .flag = 'n',
	 .type = OPT_LIST,
	 .offset = offsetof(struct conf, list),
	 .def = "10.0.0.0/8, 192.0.2.1",
	 .help = "a list"},
	{.name = "bundle",
	 .type = OPT_ENUM,
	 .offset = offsetof(struct conf, word),
	 .def = "empty",
	 .choices = words,
	 .help = "a word"},
	{0},
};
static const char *const known[] = {"flowagg", "capture", NULL};

static struct common common;
static struct conf conf;
static struct opt_section sections[2] = {
	{"", common_opts, &common},
	{"flowagg", opts, &conf},
};
static char err[1024];

static void setup(void)
{
	memset(&conf, 0, sizeof conf);
	memset(&common, 0, sizeof common);
	*err = '\0';
	opt_defaults(sections, 2);
}

static void teardown(void)
{
	opt_fini(sections, 2);
}

TestSuite(opt, .init = setup, .fini = teardown);

static int load(const char *yaml)
{
	return opt_load_memory("f.yml", yaml, strlen(yaml), sections, 2, known, err, sizeof err);
}

static int args(int argc, const char **argv)
{
	return opt_args(sections, 2, &argc, (char **)argv, err, sizeof err);
}

Test(opt, defaults)
{
	cr_assert_not(conf.on);
	cr_assert_eq(conf.number, 60);
	cr_assert_eq(conf.size, 64u << 20);
	cr_assert_null(conf.text);
	cr_assert_eq(conf.list.n, 2);
	cr_assert_str_eq(conf.list.v[1], "192.0.2.1");
	cr_assert_eq(conf.word, 0);
}

Test(opt, file_sets_every_type)
{
	int rc = load(
		"name: sensor-7\nflowagg:\n  on: yes\n  idle_timeout_s: 5\n  max_bytes: 2 GiB\n"
		"  text: \"a b\"\n  networks: [192.0.2.0/24, '2001:db8::/64']\n  bundle: all\n");
	cr_assert_eq(rc, 0, "%s", err);
	cr_assert_str_eq(common.name, "sensor-7");
	cr_assert(conf.on);
	cr_assert_eq(conf.number, 5);
	cr_assert_eq(conf.size, 2ull << 30);
	cr_assert_str_eq(conf.text, "a b");
	cr_assert_eq(conf.list.n, 2);
	cr_assert_str_eq(conf.list.v[1], "2001:db8::/64");
	cr_assert_eq(conf.word, 2);
}

Test(opt, file_may_be_empty_or_hold_null)
{
	cr_assert_eq(load(""), 0);
	cr_assert_eq(load("# only a comment\n"), 0);
	cr_assert_eq(load("flowagg:\nname:\n"), 0, "%s", err);
	cr_assert_eq(load("flowagg:\n  idle_timeout_s:\n  networks: 192.0.2.7\n"), 0, "%s", err);
	cr_assert_eq(conf.number, 60);
	cr_assert_eq(conf.list.n, 1);
}

Test(opt, sections_of_others_are_skipped)
{
	cr_assert_eq(load("capture:\n  deep: {a: [1, {b: 2}]}\nflowagg:\n  on: true\n"), 0, "%s",
		     err);
	cr_assert(conf.on);
}

struct bad {
	const char *yaml, *where, *what;
};

Test(opt, file_errors_name_line_and_reason)
{
	static const struct bad bad[] = {
		{"flowagg:\n  idle_timout_s: 5\n", "f.yml:2:", "did you mean \"idle_timeout_s\"?"},
		{"flowag:\n  on: true\n", "f.yml:1:", "unknown key \"flowag\""},
		{"flowagg:\n  on: true\n  zzz: 1\n", "f.yml:3:", "in section \"flowagg\""},
		{"flowagg:\n  idle_timeout_s: 0\n", "f.yml:2:", "from 1 to 3600 s"},
		{"flowagg:\n  idle_timeout_s: 5x\n", "f.yml:2:", "whole number"},
		{"flowagg:\n  on: perhaps\n", "f.yml:2:", "true or false"},
		{"flowagg:\n  max_bytes: 5 parsecs\n", "f.yml:2:", "a size such as 64MiB"},
		{"flowagg:\n  max_bytes: 99999999999999999 T\n", "f.yml:2:", "a size"},
		{"flowagg:\n  bundle: some\n", "f.yml:2:", "one of empty, none, all"},
		{"flowagg:\n  on: [true]\n", "f.yml:2:", "one plain value"},
		{"flowagg:\n  networks: {a: b}\n", "f.yml:2:", "expected a list"},
		{"flowagg:\n  networks: [[a]]\n", "f.yml:2:", "plain value"},
		{"flowagg: 7\n", "f.yml:1:", "must hold keys"},
		{"- a\n- b\n", "f.yml:1:", "expected keys and sections"},
		{"flowagg: {\n", "f.yml:2:", "not valid YAML"},
		{"flowagg: &a\n  on: true\ncapture: *a\n", "f.yml:3:", "aliases"},
		{"name: \"a\\0b\"\n", "f.yml:1:", "NUL"},
		{"name: a\n---\nname: b\n", "f.yml:2:", "second document"},
		{"[a]: b\n", "f.yml:1:", "plain value"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		*err = '\0';
		cr_expect_neq(load(bad[i].yaml), 0, "accepted: %s", bad[i].yaml);
		cr_expect(strncmp(err, bad[i].where, strlen(bad[i].where)) == 0, "%s: %s",
			  bad[i].yaml, err);
		cr_expect(strstr(err, bad[i].what), "%s: %s", bad[i].yaml, err);
	}
}

Test(opt, nesting_is_bounded)
{
	char deep[256] = "capture: ";
	for (int i = 0; i < 40; i++)
		strcat(deep, "[");
	cr_assert_neq(load(deep), 0);
	cr_assert(strstr(err, "nested too deeply"), "%s", err);
}

Test(opt, long_value_is_refused)
{
	char *yaml = malloc(6000);
	strcpy(yaml, "name: ");
	memset(yaml + 6, 'x', 5000);
	yaml[5006] = '\0';
	cr_assert_neq(load(yaml), 0);
	cr_assert(strstr(err, "longer than"), "%s", err);
	free(yaml);
}

Test(opt, file_on_disk)
{
	char path[] = "/tmp/lurker-opt-XXXXXX";
	int fd = mkstemp(path);
	cr_assert_eq(write(fd, "name: x\n", 8), 8);
	close(fd);
	cr_assert_eq(opt_load(path, sections, 2, known, err, sizeof err), 0, "%s", err);
	cr_assert_str_eq(common.name, "x");
	unlink(path);
	cr_assert_eq(opt_load(path, sections, 2, known, err, sizeof err), -ENOENT);
	cr_assert(strstr(err, path));
	cr_assert_neq(opt_load("/tmp", sections, 2, known, err, sizeof err), 0);
	cr_assert(strstr(err, "directory"), "%s", err);
}

Test(opt, flags)
{
	const char *argv[] = {"p",     "--idle-timeout-s",
			      "7",     "--max-bytes=1MiB",
			      "-o",    "operand",
			      "-n",    "192.0.2.0/24",
			      "-nfoo", "--",
			      "-x",    NULL};
	int argc = 11;
	cr_assert_eq(opt_args(sections, 2, &argc, (char **)argv, err, sizeof err), 0, "%s", err);
	cr_assert_eq(conf.number, 7);
	cr_assert_eq(conf.size, 1u << 20);
	cr_assert(conf.on);
	cr_assert_eq(conf.list.n, 2, "the first flag replaces the default, the second adds");
	cr_assert_str_eq(conf.list.v[1], "foo");
	cr_assert_eq(argc, 3);
	cr_assert_str_eq(argv[1], "operand");
	cr_assert_str_eq(argv[2], "-x");
}

Test(opt, switch_can_be_turned_off)
{
	conf.on = true;
	cr_assert_eq(args(2, (const char *[]){"p", "--no-on", NULL}), 0, "%s", err);
	cr_assert_not(conf.on);
}

Test(opt, a_switch_knows_whether_a_flag_set_it)
{
	char *env[] = {(char *)"LURKER_FLOWAGG_LAMP=off", NULL};
	cr_assert(conf.lamp.on);
	cr_assert_eq(opt_env(sections, 2, env, err, sizeof err), 0, "%s", err);
	cr_assert_not(conf.lamp.on);
	cr_assert_not(conf.lamp.by_flag, "neither a default nor a variable is a flag");
	cr_assert_eq(args(2, (const char *[]){"p", "-ol", NULL}), 0, "%s", err);
	cr_assert(conf.on && conf.lamp.on && conf.lamp.by_flag);
	cr_assert_eq(args(2, (const char *[]){"p", "--no-lamp", NULL}), 0, "%s", err);
	cr_assert_not(conf.lamp.on);
}

Test(opt, a_relative_directory_becomes_absolute)
{
	static const char *const given[] = {"--dir=state", "--dir=/var/x", "--dir="};
	char here[4096], want[4200];
	cr_assert_not_null(getcwd(here, sizeof here));
	snprintf(want, sizeof want, "%s/state", here);
	const char *const wanted[] = {want, "/var/x", ""};
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(args(2, (const char *[]){"p", given[i], NULL}), 0, "%s", err);
		cr_assert_str_eq(conf.dir, wanted[i]);
	}
}

Test(opt, dash_is_an_operand)
{
	const char *argv[] = {"p", "-", NULL};
	int argc = 2;
	cr_assert_eq(opt_args(sections, 2, &argc, (char **)argv, err, sizeof err), 0);
	cr_assert_eq(argc, 2);
}

Test(opt, wrong_flags)
{
	cr_expect_neq(args(2, (const char *[]){"p", "--nothing", NULL}), 0);
	cr_expect(strstr(err, "--nothing"));
	cr_expect_neq(args(2, (const char *[]){"p", "-z", NULL}), 0);
	cr_expect_neq(args(2, (const char *[]){"p", "--idle-timeout-s", NULL}), 0);
	cr_expect(strstr(err, "needs a value"));
	cr_expect_neq(args(2, (const char *[]){"p", "-t", NULL}), 0);
	cr_expect_neq(args(2, (const char *[]){"p", "--no-text", NULL}), 0);
	cr_expect_neq(args(2, (const char *[]){"p", "--idle-timeout-s=99999", NULL}), 0);
	cr_expect(strstr(err, "3600"), "%s", err);
	cr_expect_neq(args(3, (const char *[]){"p", "-ot", "x", NULL}), 0);
	cr_expect(conf.on, "what stood before the error was taken");
}

Test(opt, variables)
{
	char *env[] = {(char *)"LURKER_NAME=a",
		       (char *)"LURKER_FLOWAGG_IDLE_TIMEOUT_S=9",
		       (char *)"LURKER_FLOWAGG_NETWORKS=a, b ,c",
		       (char *)"LURKER_CAPTURE_ANY=1",
		       (char *)"LURKER_FLOWAGG_ON=",
		       (char *)"PATH=/bin",
		       NULL};
	cr_assert_eq(opt_env(sections, 2, env, err, sizeof err), 0, "%s", err);
	cr_assert_str_eq(common.name, "a");
	cr_assert_eq(conf.number, 9);
	cr_assert_eq(conf.list.n, 3);
	cr_assert_str_eq(conf.list.v[1], "b");
	char *unknown[] = {(char *)"LURKER_FLOWAGG_NOTHING=1", NULL};
	cr_assert_neq(opt_env(sections, 2, unknown, err, sizeof err), 0);
	cr_assert(strstr(err, "LURKER_FLOWAGG_NOTHING"));
	char *wrong[] = {(char *)"LURKER_FLOWAGG_ON=7", NULL};
	cr_assert_neq(opt_env(sections, 2, wrong, err, sizeof err), 0);
	cr_assert(strstr(err, "true or false"));
}

Test(opt, print_is_read_back)
{
	char text[4096] = "";
	cr_assert_eq(load("flowagg:\n  text: \"tricky: \\\"quoted\\\" # text\"\n  networks: []\n"),
		     0, "%s", err);
	FILE *f = fmemopen(text, sizeof text, "w");
	opt_print(sections, 2, f);
	fclose(f);
	opt_fini(sections, 2);
	setup();
	cr_assert_eq(load(text), 0, "%s\n%s", err, text);
	cr_assert_str_eq(conf.text, "tricky: \"quoted\" # text");
	cr_assert_eq(conf.list.n, 0);
	cr_assert_eq(conf.size, 64u << 20);
}

Test(opt, help_names_everything)
{
	char text[8192] = "";
	FILE *f = fmemopen(text, sizeof text, "w");
	opt_help(sections, 2, f);
	fclose(f);
	static const char *const parts[] = {
		"-t, --idle-timeout-s N", "1 to 3600 s",      "default: 60",
		"--bundle WORD",          "empty, none, all", "repeatable"};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		cr_expect(strstr(text, parts[i]), "%s not in\n%s", parts[i], text);
}

#include "rt/keys.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

static char dir[64], err[256], path[128];

static void setup(void)
{
	strcpy(dir, "/tmp/lurker-keys-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	umask(0);
}

static void fini(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -r %s", dir);
	cr_assert_eq(system(command), 0);
}

TestSuite(keys, .init = setup, .fini = fini);

static const char *in_dir(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void put(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(in_dir(name), "w");
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

Test(keys, a_pair_in_two_files)
{
	struct stat st;
	char secret[KEY_TEXT], public[KEY_TEXT], derived[KEY_TEXT];
	cr_assert_eq(keys_generate(dir, "sensor-1", err, sizeof err), 0, "%s", err);
	cr_assert_eq(stat(in_dir("sensor-1.secret"), &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	cr_assert_eq(keys_load(path, true, secret, err, sizeof err), 0);
	cr_assert_eq(stat(in_dir("sensor-1.pub"), &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0644);
	cr_assert_eq(keys_load(path, false, public, err, sizeof err), 0);
	cr_assert_eq(keys_public(secret, derived), 0);
	cr_assert_str_eq(public, derived);
}

Test(keys, never_replaced)
{
	struct stat st;
	cr_assert_eq(keys_generate(dir, "a", err, sizeof err), 0);
	cr_assert_eq(keys_generate(dir, "a", err, sizeof err), -EEXIST);
	cr_assert_not_null(strstr(err, "a.secret"));
	/* Not even one of the two; and then the other is not left behind. */
	unlink(in_dir("a.secret"));
	cr_assert_eq(keys_generate(dir, "a", err, sizeof err), -EEXIST);
	cr_assert_eq(stat(in_dir("a.secret"), &st), -1);
}

Test(keys, names)
{
	static const char *const bad[] = {"", ".hidden", "../up", "a/b", "a b", "a\n"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_assert_eq(keys_generate(dir, bad[i], err, sizeof err), -EINVAL);
	cr_assert_eq(keys_generate("/nonexistent", "a", err, sizeof err), -ENOENT);
}

#define GOOD "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

Test(keys, what_a_file_must_hold)
{
	char key[KEY_TEXT];
	put("good", "" GOOD "\r\n", 0600);
	cr_assert_eq(keys_load(path, true, key, err, sizeof err), 0, "%s", err);
	cr_assert_str_eq(key, GOOD);
	put("short", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\n", 0600);
	cr_assert_eq(keys_load(path, true, key, err, sizeof err), -EINVAL);
	put("long", GOOD "x\n", 0600);
	cr_assert_eq(keys_load(path, true, key, err, sizeof err), -EINVAL);
	put("empty", "", 0600);
	cr_assert_eq(keys_load(path, true, key, err, sizeof err), -EINVAL);
	put("open", GOOD, 0604);
	cr_assert_eq(keys_load(path, true, key, err, sizeof err), -EPERM);
	cr_assert_eq(keys_load(path, false, key, err, sizeof err), 0, "public keys may be open");
	cr_assert_eq(keys_load(in_dir("absent"), true, key, err, sizeof err), -ENOENT);
	cr_assert_not_null(strstr(err, "absent"));
}

static void raw_key(const char *name, uint8_t raw[KEY_BYTES])
{
	char text[KEY_TEXT];
	cr_assert_eq(keys_load(in_dir(name), false, text, err, sizeof err), 0);
	zmq_z85_decode(raw, text);
}

Test(keys, allowed_ones_follow_the_directory)
{
	static struct keys_allowed a;
	uint8_t one[KEY_BYTES], two[KEY_BYTES];
	a.dir = dir;
	keys_generate(dir, "one", err, sizeof err);
	raw_key("one.pub", one);
	cr_assert(keys_allow(&a, one, KEY_BYTES));
	cr_assert_not(keys_allow(&a, one, KEY_BYTES - 1));
	keys_generate(dir, "two", err, sizeof err);
	raw_key("two.pub", two);
	cr_assert(keys_allow(&a, two, KEY_BYTES), "a key that was added is known at once");
	cr_assert_eq(a.n, 2, "secret files are not looked at");
	unlink(in_dir("one.pub"));
	cr_assert_not(keys_allow(&a, one, KEY_BYTES), "a key that was removed is out at once");
	/* Also when the time stamp does not show it, as within one tick of the kernel. */
	struct stat st;
	cr_assert_eq(stat(dir, &st), 0);
	char command[200];
	snprintf(command, sizeof command, "rm %s/two.pub", dir);
	cr_assert_eq(system(command), 0);
	cr_assert_eq(utimensat(AT_FDCWD, dir, (struct timespec[]){st.st_atim, st.st_mtim}, 0), 0);
	cr_assert_not(keys_allow(&a, two, KEY_BYTES));
	unlink(in_dir("two.secret"));
	keys_generate(dir, "two", err, sizeof err);
	raw_key("two.pub", two);
	put("junk.pub", "junk", 0644);
	cr_assert(keys_allow(&a, two, KEY_BYTES));
	cr_assert_eq(a.unusable, 1);
	a.dir = "/nonexistent";
	cr_assert_not(keys_allow(&a, two, KEY_BYTES));
}

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rt/svc.h"

static struct svc_common common;

static int load(int argc, const char **argv, char *err, size_t errlen)
{
	struct opt_section s = svc_common_section(&common);
	return svc_load(&s, 1, &argc, (char **)argv, err, errlen);
}

Test(svc_config, a_credential_is_taken_and_a_flag_wins)
{
	char dir[] = "/tmp/lurker-cred-XXXXXX", file[64], err[256] = "";
	cr_assert_not_null(mkdtemp(dir));
	snprintf(file, sizeof file, "%s/curve_secret", dir);
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	cr_assert_eq(load(1, (const char *[]){"x", NULL}, err, sizeof err), 0, "%s", err);
	cr_expect_null(common.curve_secret, "no file, no key");
	close(open(file, O_CREAT | O_WRONLY, 0400));
	cr_assert_eq(load(1, (const char *[]){"x", NULL}, err, sizeof err), 0, "%s", err);
	cr_expect_str_eq(common.curve_secret, file);
	cr_assert_eq(load(2, (const char *[]){"x", "--curve-secret=mine", NULL}, err, sizeof err),
		     0);
	cr_expect_str_eq(common.curve_secret, "mine");
	cr_expect_str_neq(common.sensor, "", "the host's name");
	unlink(file);
	rmdir(dir);
	struct opt_section s = svc_common_section(&common);
	opt_fini(&s, 1);
}

Test(svc_config, a_configuration_that_is_named_must_be_there)
{
	char err[256] = "";
	cr_assert_neq(
		load(3, (const char *[]){"x", "-c", "/nonexistent.yml", NULL}, err, sizeof err), 0);
	cr_expect(strstr(err, "/nonexistent.yml"), "%s", err);
}

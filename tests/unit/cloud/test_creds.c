#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/creds.h"

static char dir[] = "/tmp/lurker-test-XXXXXX";
static struct creds_chain *chain;
static const struct creds *got;
static const char *why;

static const char *path(const char *name)
{
	static char p[4][128];
	static unsigned i;
	snprintf(p[++i % 4], sizeof p[0], "%s/%s", dir, name);
	return p[i % 4];
}

static void file(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "w");
	fputs(text, f);
	fclose(f);
}

static void begin(void)
{
	static const char *const variables[] = {
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
		"AWS_REGION",        "AWS_DEFAULT_REGION",    "AWS_CONFIG_FILE"};
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		unsetenv(variables[i]);
	cr_assert(mkdtemp(dir));
	setenv("AWS_SHARED_CREDENTIALS_FILE", path("credentials"), 1);
	setenv("AWS_CONFIG_FILE", path("config"), 1);
}

static void end(void)
{
	static const char *const names[] = {"credentials", "config", "secret", "other"};
	creds_free(&chain);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(path(names[i]));
	rmdir(dir);
}

TestSuite(creds, .init = begin, .fini = end);

static int ask(const struct creds_conf *conf)
{
	static const struct creds_conf none;
	cr_assert_eq(creds_new(conf ? conf : &none, NULL, &chain), 0);
	return creds_get(chain, &got, &why);
}

static void give_file(void)
{
	file("credentials", "[default]\naws_access_key_id=F\naws_secret_access_key=FS\n"
			    "[p]\naws_access_key_id=P\naws_secret_access_key=PS\n"
			    "aws_session_token=PT\n[half]\naws_access_key_id=H\n");
}

static void give_env(void)
{
	setenv("AWS_ACCESS_KEY_ID", "E", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "ES", 1);
}

Test(creds, nobody_has_any)
{
	cr_assert_eq(ask(NULL), -ENOENT);
	cr_assert(strstr(why, "AWS_ACCESS_KEY_ID"), "it says what would help: %s", why);
	cr_assert_str_eq(creds_source(chain), "none");
}

Test(creds, the_configuration_comes_first)
{
	give_env();
	give_file();
	file("secret", "CS\n");
	struct creds_conf conf = {.key_id = "C", .secret_file = path("secret")};
	cr_assert_eq(ask(&conf), 0);
	cr_assert_str_eq(got->key_id, "C");
	cr_assert_str_eq(got->secret, "CS");
	cr_assert_str_eq(got->token, "");
	cr_assert_str_eq(creds_source(chain), "configuration");
}

Test(creds, a_bad_configuration_is_not_passed_over)
{
	give_env();
	struct creds_conf conf = {.key_id = "C", .secret_file = path("absent")};
	cr_assert_eq(ask(&conf), -EIO);
	creds_free(&chain);
	file("secret", "\n");
	conf.secret_file = path("secret");
	cr_assert_eq(ask(&conf), -EIO, "an empty secret");
	creds_free(&chain);
	conf.secret_file = NULL;
	cr_assert_eq(ask(&conf), -EIO);
}

Test(creds, then_the_environment)
{
	give_env();
	give_file();
	cr_assert_eq(ask(NULL), 0);
	cr_assert_str_eq(got->key_id, "E");
	cr_assert_str_eq(got->token, "");
	creds_free(&chain);
	setenv("AWS_SESSION_TOKEN", "ET", 1);
	cr_assert_eq(ask(NULL), 0);
	cr_assert_str_eq(got->token, "ET");
	creds_free(&chain);
	unsetenv("AWS_SECRET_ACCESS_KEY");
	cr_assert_eq(ask(NULL), 0);
	cr_assert_str_eq(got->key_id, "F", "half a pair is none");
}

Test(creds, then_the_file)
{
	give_file();
	cr_assert_eq(ask(NULL), 0);
	cr_assert_str_eq(got->key_id, "F");
	cr_assert_str_eq(got->secret, "FS");
	creds_free(&chain);
	setenv("AWS_PROFILE", "p", 1);
	cr_assert_eq(ask(NULL), 0);
	cr_assert_str_eq(got->key_id, "P");
	cr_assert_str_eq(got->token, "PT");
}

Test(creds, a_profile_that_was_asked_for_has_to_be_there)
{
	give_file();
	struct creds_conf conf = {.profile = "absent"};
	cr_assert_eq(ask(&conf), -EIO);
	creds_free(&chain);
	conf.profile = "half";
	cr_assert_eq(ask(&conf), -EIO);
	creds_free(&chain);
	conf = (struct creds_conf){.file = path("other")};
	cr_assert_eq(ask(&conf), -EIO);
	file("other", "[default]\naws_access_key_id=O\naws_secret_access_key=OS\n");
	creds_free(&chain);
	cr_assert_eq(ask(&conf), 0);
	cr_assert_str_eq(got->key_id, "O");
}

Test(creds, refused_ones_are_read_again_but_not_at_once)
{
	give_file();
	cr_assert_eq(ask(NULL), 0);
	file("credentials", "[default]\naws_access_key_id=N\naws_secret_access_key=NS\n");
	creds_refused(chain);
	cr_assert_eq(creds_get(chain, &got, &why), 0);
	cr_assert_str_eq(got->key_id, "F", "within seconds of the last time");
}

Test(creds, regions)
{
	char r[32];
	creds_region(NULL, NULL, r);
	cr_assert_str_eq(r, "us-east-1");
	file("config", "[default]\nregion = eu-a-1\n[profile p]\nregion=eu-b-1\n");
	creds_region("", NULL, r);
	cr_assert_str_eq(r, "eu-a-1");
	creds_region(NULL, "p", r);
	cr_assert_str_eq(r, "eu-b-1");
	creds_region(NULL, "q", r);
	cr_assert_str_eq(r, "us-east-1");
	setenv("AWS_DEFAULT_REGION", "eu-c-1", 1);
	creds_region(NULL, NULL, r);
	cr_assert_str_eq(r, "eu-c-1");
	setenv("AWS_REGION", "eu-d-1", 1);
	creds_region(NULL, NULL, r);
	cr_assert_str_eq(r, "eu-d-1");
	creds_region("eu-e-1", NULL, r);
	cr_assert_str_eq(r, "eu-e-1");
}

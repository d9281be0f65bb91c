#include <cap-ng.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rt/sandbox.h"

static char err[256];

Test(sandbox, account)
{
	uid_t uid;
	gid_t gid;
	cr_assert_eq(sandbox_account("", &uid, &gid, err, sizeof err), 0);
	cr_assert_eq(uid, geteuid());
	if (geteuid() != 0)
		return;
	cr_assert_eq(sandbox_account("nobody", &uid, &gid, err, sizeof err), 0, "%s", err);
	cr_assert_eq(uid, 65534);
	cr_assert_eq(sandbox_account("1234:99", &uid, &gid, err, sizeof err), 0);
	cr_assert_eq(uid, 1234);
	cr_assert_eq(gid, 99);
	cr_assert_eq(sandbox_account("no-such-account", &uid, &gid, err, sizeof err), -ENOENT);
	cr_assert(strstr(err, "useradd"), "%s", err);
	cr_assert_eq(sandbox_account("nobody:no-such-group", &uid, &gid, err, sizeof err), -ENOENT);
}

Test(sandbox, drop_leaves_nothing)
{
	cr_assert_eq(sandbox_drop("nobody", err, sizeof err), 0, "%s", err);
	if (getuid() == 65534)
		cr_assert_neq(setuid(0), 0);
	capng_get_caps_process();
	cr_assert_eq(capng_have_capabilities(CAPNG_SELECT_CAPS), CAPNG_NONE);
	if (getuid() == 65534) /* root, which had CAP_SETPCAP, gave up the bounding set too */
		cr_assert_eq(capng_have_capabilities(CAPNG_SELECT_BOUNDS), CAPNG_NONE);
	cr_assert_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	cr_assert_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
}

Test(sandbox, forbidden_call_is_killed, .signal = SIGSYS)
{
	cr_assert_eq(sandbox_seccomp(NULL, err, sizeof err), 0, "%s", err);
	syscall(SYS_chroot, "/");
}

Test(sandbox, named_call_is_allowed)
{
	static const char *const calls[] = {"chroot", NULL};
	cr_assert_eq(sandbox_seccomp(calls, err, sizeof err), 0, "%s", err);
	cr_assert_eq(syscall(SYS_chroot, "/nonexistent"), -1);
	_exit(0);
}

Test(sandbox, unknown_call_is_an_error)
{
	static const char *const calls[] = {"no_such_call", NULL};
	cr_assert_eq(sandbox_seccomp(calls, err, sizeof err), -EINVAL);
	cr_assert(strstr(err, "no_such_call"));
}

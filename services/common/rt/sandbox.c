#include "rt/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* What the runtime itself needs after the drop: memory, threads, clocks, the loop, the sockets of
 * ZeroMQ, records and counters on disk. Everything that is one service's own stands in its
 * svc_desc: each list is as short as the test suite lets it be. */
static const char *const base_calls[] = {
	/* memory and threads */
	"brk",
	"mmap",
	"munmap",
	"mprotect",
	"mremap",
	"madvise",
	"mlock", /* libsodium guards the keys of CURVE */
	"munlock",
	"futex",
	"clone", /* where a container's own filter answers clone3 with ENOSYS */
	"clone3",
	"set_robust_list",
	"rseq",
	"sched_yield",
	"sched_getaffinity",
	"sched_setscheduler",
	"sched_getparam",
	"sched_getscheduler",
	"exit",
	"exit_group",
	"prctl",
	"gettid",
	"getpid",
	/* signals, abort() included */
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"tgkill",
	"restart_syscall",
	/* time and the loop; clocks for machines whose vDSO has none */
	"clock_gettime",
	"gettimeofday",
	"clock_nanosleep",
	"timerfd_settime",
	"poll",
	"ppoll",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"eventfd2",
	"getrusage",
	"getrandom",
	"sysinfo", /* qsort() asks for it */
	/* files */
	"read",
	"pread64",
	"write",
	"lseek",
	"openat",
	"close",
	"fstat",
	"newfstatat",
	"fcntl",
	"fsync",
	"fdatasync",
	"ftruncate",
	"getdents64",
	"fchmod",
	"umask",
	/* names: of these pairs an architecture has one or both */
	"mkdir",
	"mkdirat",
	"rename",
	"renameat",
	"renameat2",
	"unlink",
	"unlinkat",
	"linkat",
	/* sockets of the bus */
	"socket",
	"bind",
	"listen",
	"accept4",
	"connect",
	"getsockname",
	"getpeername",
	"setsockopt",
	"getsockopt",
	"sendto",
	"recvfrom",
	"recvmsg", /* a TCP endpoint looks up the interfaces */
	NULL,
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
/* The sanitizers' own runtime: leak check at exit, symbolizing a report. */
static const char *const sanitizer_calls[] = {
	"ptrace",
	"wait4",
	"pipe",
	"pipe2",
	"dup2",
	"execve",
	"readlink",
	"kill",
	"getppid",
	"personality",
	"process_vm_readv",
	"arch_prctl",
	"prlimit64",
	"getcwd",
	"ioctl",
	"fork",
	"vfork",
	"set_tid_address",
	"sigaltstack",
	"open",
	"stat",
	"lstat",
	"access",
	"writev",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"uname",
	NULL,
};
#endif

static int fail(int rc, char *err, size_t errlen, const char *what)
{
	snprintf(err, errlen, "%s: %s", what, strerror(-rc));
	return rc;
}

/* "name", "name:group", or numbers for both. */
static int find_account(const char *user, uid_t *uid, gid_t *gid, char *err, size_t errlen)
{
	char name[64];
	snprintf(name, sizeof name, "%s", user);
	char *group = strchr(name, ':');
	if (group)
		*group++ = '\0';
	char *end;
	unsigned long id = strtoul(name, &end, 10);
	if (*name && !*end) {
		*uid = (uid_t)id;
		*gid = (gid_t)id;
	} else {
		errno = 0;
		const struct passwd *pw = getpwnam(name);
		if (!pw) {
			snprintf(
				err, errlen,
				"account \"%s\" does not exist: create it (useradd --system %s) or "
				"name another with --user",
				name, name);
			return -ENOENT;
		}
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
	}
	if (group) {
		id = strtoul(group, &end, 10);
		const struct group *gr = *end ? getgrnam(group) : NULL;
		if (*end && !gr) {
			snprintf(err, errlen, "group \"%s\" does not exist", group);
			return -ENOENT;
		}
		*gid = gr ? gr->gr_gid : (gid_t)id;
	}
	return 0;
}

int sandbox_account(const char *user, uid_t *uid, gid_t *gid, char *err, size_t errlen)
{
	*uid = geteuid();
	*gid = getegid();
	if (*uid != 0 || !user || !*user)
		return 0;
	return find_account(user, uid, gid, err, errlen);
}

int sandbox_drop(const char *user, char *err, size_t errlen)
{
	uid_t uid;
	gid_t gid;
	int rc = sandbox_account(user, &uid, &gid, err, errlen);
	if (rc)
		return rc;
	if (geteuid() == 0 && uid != 0) {
		/* The bounding set can only be emptied while CAP_SETPCAP is there. */
		capng_clear(CAPNG_SELECT_BOTH);
		capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SETUID, CAP_SETGID,
			      CAP_SETPCAP, -1);
		rc = capng_apply(CAPNG_SELECT_BOTH);
		if (rc && errno != EPERM)
			return fail(errno ? -errno : -EPERM, err, errlen, "giving up capabilities");
		if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
		    setresuid(uid, uid, uid) != 0)
			return fail(-errno, err, errlen, "changing to the service account");
	}
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return fail(errno ? -errno : -EPERM, err, errlen, "giving up capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail(-errno, err, errlen, "PR_SET_NO_NEW_PRIVS");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return fail(-errno, err, errlen, "PR_SET_DUMPABLE");
	return 0;
}

static int allow(scmp_filter_ctx ctx, const char *const *calls, char *err, size_t errlen)
{
	for (; calls && *calls; calls++) {
		int nr = seccomp_syscall_resolve_name(*calls);
		if (nr == __NR_SCMP_ERROR) {
			snprintf(err, errlen, "seccomp: unknown system call %s", *calls);
			return -EINVAL;
		}
		int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
		if (rc && rc != -EDOM) /* EDOM: not on this architecture */
			return fail(rc, err, errlen, *calls);
	}
	return 0;
}

int sandbox_seccomp(const char *const *extra, char *err, size_t errlen)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!ctx)
		return -ENOMEM;
	int rc = allow(ctx, base_calls, err, errlen);
	if (!rc)
		rc = allow(ctx, extra, err, errlen);
#ifdef SANITIZED
	if (!rc)
		rc = allow(ctx, sanitizer_calls, err, errlen);
#endif
	/* A binary tree over the numbers instead of a long chain: the hot calls come at the same
	 * cost. */
	if (!rc)
		seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!rc && (rc = seccomp_load(ctx)) != 0)
		fail(rc, err, errlen, "seccomp");
	seccomp_release(ctx);
	return rc;
}

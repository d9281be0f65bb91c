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

/* What the runtime itself needs after the drop: memory, files, clocks, the loop, and the threads
 * and sockets of ZeroMQ. Everything that is one service's own stands in its svc_desc. */
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
	"clone",
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
	/* signals */
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigaltstack",
	"tgkill",
	"restart_syscall",
	/* time and the loop */
	"clock_gettime",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
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
	"uname",
	"sysinfo",
	/* files */
	"read",
	"readv",
	"pread64",
	"write",
	"writev",
	"pwrite64",
	"lseek",
	"openat",
	"open",
	"close",
	"fstat",
	"newfstatat",
	"stat",
	"lstat",
	"statx",
	"fcntl",
	"access",
	"faccessat",
	"faccessat2",
	"unlink",
	"unlinkat",
	"rename",
	"renameat",
	"renameat2",
	"link",
	"linkat",
	"mkdir",
	"mkdirat",
	"fsync",
	"fdatasync",
	"ftruncate",
	"getdents64",
	"fadvise64",
	"fchmod",
	"chmod",
	"umask",
	"geteuid",
	"getuid",
	"getegid",
	"getgid",
	/* sockets of the bus */
	"socket",
	"bind",
	"listen",
	"accept",
	"accept4",
	"connect",
	"getsockname",
	"getpeername",
	"setsockopt",
	"getsockopt",
	"sendto",
	"sendmsg",
	"recvfrom",
	"recvmsg",
	"shutdown",
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
	snprintf(name, sizeof(name), "%s", user);
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
		rc = capng_apply(CAPNG_SELECT_CAPS);
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

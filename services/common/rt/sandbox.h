/*
 * sandbox: give up what a service does not need, in the one order that works.
 *
 * open what needs privilege → sandbox_drop (uid, capabilities, no_new_privs) → sandbox_seccomp →
 * sockets.
 */
#ifndef RT_SANDBOX_H
#define RT_SANDBOX_H

#include <stddef.h>
#include <sys/types.h>

/* sandbox_account: the ids that sandbox_drop will change to: those of user ("name", "name:group" or
 * numbers) when root, else the present ones. 0, or -ENOENT with what to do in err. */
int sandbox_account(const char *user, uid_t *uid, gid_t *gid, char *err, size_t errlen);

/* sandbox_drop: becomes user (when root and user is not empty), keeps no capability, sets
 * no_new_privs and PR_SET_DUMPABLE 0. 0 or -errno with what failed in err. */
int sandbox_drop(const char *user, char *err, size_t errlen);

/* sandbox_seccomp: from now on only the base list of the runtime and the named calls
 * (NULL-terminated) are allowed; any other kills the process. */
int sandbox_seccomp(const char *const *extra, char *err, size_t errlen);

#endif

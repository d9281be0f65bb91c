#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rt/notify.h"

static int manager(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	strcpy(a.sun_path, name);
	if (*name == '@')
		a.sun_path[0] = '\0';
	cr_assert_eq(bind(fd, (struct sockaddr *)&a,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
		     0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void hears(int fd, const char *text)
{
	char got[64] = "";
	cr_assert_gt(recv(fd, got, sizeof got - 1, 0), 0);
	cr_assert_str_eq(got, text);
}

Test(notify, path_and_abstract_sockets)
{
	char path[64], abstract[64];
	snprintf(path, sizeof path, "/tmp/lurker-notify-%d", getpid());
	int fd = manager(path);
	notify_open();
	notify("READY=1");
	hears(fd, "READY=1");
	unlink(path);
	snprintf(abstract, sizeof abstract, "@lurker-notify-%d", getpid());
	fd = manager(abstract);
	notify_open();
	notify("STOPPING=1");
	hears(fd, "STOPPING=1");
}

Test(notify, nobody_listens)
{
	unsetenv("NOTIFY_SOCKET");
	notify_open();
	notify("READY=1");
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	notify_open();
	notify("READY=1");
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_open();
	notify("READY=1");
}

Test(notify, watchdog_period)
{
	unsetenv("WATCHDOG_USEC");
	cr_assert_eq(notify_watchdog_ns(), 0);
	setenv("WATCHDOG_USEC", "20000000", 1);
	unsetenv("WATCHDOG_PID");
	cr_assert_eq(notify_watchdog_ns(), 10000000000u);
	setenv("WATCHDOG_PID", "1", 1);
	cr_assert_eq(notify_watchdog_ns(), 0, "another process is meant");
}

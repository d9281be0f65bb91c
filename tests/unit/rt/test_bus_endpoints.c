/* Where a service may publish and subscribe. */
#include "rt/bus.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bus_pair.h"
#include "turn.h"

TestSuite(bus_endpoints, .init = pair_setup, .fini = pair_fini, .timeout = 60);

Test(bus_endpoints, socket_of_a_dead_process_is_replaced)
{
	char path[128];
	snprintf(path, sizeof path, "%s/capture.sock", pair_dir);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	close(fd);
	struct got g = {0};
	pair_open_pub("capture");
	pair_open_sub();
	pair_subscribe("capture", "packet", &g);
	pair_join("packet", &g);
}

Test(bus_endpoints, socket_of_a_living_process_is_respected)
{
	pair_open_pub("capture");
	struct bus_options o = pair_options("capture");
	struct bus *second = NULL;
	cr_assert_eq(bus_new(&o, NULL, &second, pair_err, sizeof pair_err), -EADDRINUSE);
	cr_assert_null(second);
	cr_assert_not_null(strstr(pair_err, "another capture is running"), "%s", pair_err);
	struct got g = {0};
	pair_open_sub();
	pair_subscribe("capture", "packet", &g);
	pair_join("packet", &g); /* the first one still has it */
}

Test(bus_endpoints, socket_is_for_owner_and_group)
{
	char path[128];
	struct stat st;
	snprintf(path, sizeof path, "%s/capture.sock", pair_dir);
	umask(0);
	pair_open_pub("capture");
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0660, "%o", st.st_mode);
	cr_assert_eq(umask(0), 0, "the umask is as before");
}

static void refuse(const char *endpoint, int want, const char *why)
{
	struct bus_options o = pair_options("capture");
	o.endpoint = endpoint;
	cr_assert_eq(bus_new(&o, NULL, &pair_pub, pair_err, sizeof pair_err), want, "%s: %s",
		     endpoint, pair_err);
	cr_assert_not_null(strstr(pair_err, why), "%s", pair_err);
	cr_assert_null(pair_pub);
}

Test(bus_endpoints, endpoints_that_are_refused)
{
	refuse("tcp://127.0.0.1:0", -EPERM, "CURVE");
	refuse("inproc://x", -EINVAL, "ipc:// and tcp://");
	refuse("ipc:///nonexistent/dir/x.sock", -ENOENT, "/nonexistent/dir/x.sock");
	pair_open_sub();
	struct got g;
	cr_assert_eq(bus_subscribe(pair_sub, "tcp://127.0.0.1:1", "packet", pair_on_msg, &g),
		     -EPERM);
	cr_assert_eq(bus_subscribe(pair_sub, "udp://127.0.0.1:1", "packet", pair_on_msg, &g),
		     -EINVAL);
	cr_assert_eq(bus_subscribe(pair_sub, "capture", "a-topic-with-more-than-32-characters",
				   pair_on_msg, &g),
		     -EINVAL);
	cr_assert_eq(bus_subscribe(pair_sub, "a-name-with-more-than-32-characters", "t",
				   pair_on_msg, &g),
		     -EINVAL);
}

Test(bus_endpoints, names_topics_and_subscriptions_are_bounded)
{
	struct bus_options o = pair_options("capture");
	char name[80];
	o.sensor = "";
	cr_assert_eq(bus_new(&o, NULL, &pair_pub, pair_err, sizeof pair_err), -EINVAL);
	memset(name, 'x', 65);
	name[65] = '\0';
	o.sensor = name;
	cr_assert_eq(bus_new(&o, NULL, &pair_pub, pair_err, sizeof pair_err), -EINVAL);
	pair_open_pub("capture");
	for (int i = 0; i < 16; i++) {
		snprintf(name, sizeof name, "topic%d", i);
		cr_assert_eq(bus_publish(pair_pub, name, bytes_str("")), 0);
	}
	cr_assert_eq(bus_publish(pair_pub, "one-more", bytes_str("")), -EINVAL);
	cr_assert_eq(bus_publish(pair_pub, "", bytes_str("")), -EINVAL);
	pair_open_sub();
	cr_assert_eq(bus_publish(pair_sub, "packet", bytes_str("")), -EBADF, "it has no producer");
	struct got g;
	for (int i = 0; i < 24; i++)
		cr_assert_eq(bus_subscribe(pair_sub, "capture", "packet", pair_on_msg, &g), 0);
	cr_assert_eq(bus_subscribe(pair_sub, "capture", "packet", pair_on_msg, &g), -ENOSPC);
}

/* Waiting for a producer that is not there must not spin: far less than a tenth of a second of work
 * in half a second. Processor time of this process, not of the clock on the wall. */
Test(bus_endpoints, absent_producer_costs_nothing)
{
	struct got g = {0};
	struct rusage before, after;
	pair_open_sub();
	pair_subscribe("capture", "packet", &g);
	getrusage(RUSAGE_SELF, &before);
	turn_for(500);
	getrusage(RUSAGE_SELF, &after);
	long us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec -
		   before.ru_stime.tv_sec) *
			  1000000L +
		  after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
		  before.ru_stime.tv_usec;
	cr_assert_lt(us, 100000);
}

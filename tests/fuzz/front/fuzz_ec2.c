/* What EC2 or somebody in its place answers about addresses. */
#include <stdlib.h>
#include <string.h>

#include "ec2.h"

static void text(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	if (len == n)
		abort();
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct ec2_address a[4], made;
	size_t found = 0;
	int rc = ec2_addresses(bytes_of(data, n), a, 4, &found);
	if (found > 4)
		abort();
	if (ec2_allocated(bytes_of(data, n), &made) == 0 && !ec2_id(made.allocation, "eipalloc"))
		abort();
	for (size_t i = 0; rc == 0 && i < found; i++) {
		/* What goes into a request is an id; what is printed is one line. */
		if (!ec2_id(a[i].allocation, "eipalloc") ||
		    (a[i].interface[0] && !ec2_id(a[i].interface, "eni")))
			abort();
		text(a[i].address, sizeof a[i].address);
		text(a[i].private_addr, sizeof a[i].private_addr);
		text(a[i].sensor, sizeof a[i].sensor);
	}
	return 0;
}

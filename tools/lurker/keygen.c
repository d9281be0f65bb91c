#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "front.h"
#include "rt/keys.h"

int front_keygen(int argc, char **argv)
{
	static const char help[] =
		"Usage: lurker keygen DIRECTORY NAME\n\n"
		"Makes a CURVE key pair for tcp:// endpoints: DIRECTORY/NAME.secret (mode 0600, "
		"stays on the\n"
		"host that made it) and DIRECTORY/NAME.pub (given to the other side). A "
		"publishing host\n"
		"sets curve_secret to its own secret file and curve_clients to a directory of the "
		"public\n"
		"files that may subscribe; a subscribing host sets curve_secret and, to the "
		"publisher's\n"
		"public file, curve_server.\n\n"
		"Writes: the two files; an existing file is never overwritten.\n";
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(help, stdout);
		return 0;
	}
	if (argc != 3 || argv[1][0] == '-' || argv[2][0] == '-') {
		fputs(help, stderr);
		return 2;
	}
	char err[512] = "";
	int rc = fs_make_dir(argv[1], 0700);
	if (rc) {
		fprintf(stderr, "lurker keygen: %s: %s\n", argv[1], strerror(-rc));
		return 1;
	}
	if (keys_generate(argv[1], argv[2], err, sizeof err) != 0) {
		fprintf(stderr, "lurker keygen: %s\n", err);
		return 1;
	}
	printf("%s/%s.secret\n%s/%s.pub\n", argv[1], argv[2], argv[1], argv[2]);
	return 0;
}

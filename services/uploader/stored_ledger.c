#include "stored_ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include "pkt/capfile.h"

void stored_ledger_init(struct stored_ledger *s)
{
	s->unnoted = s->unnoted_entries = 0;
	ledger_init(&s->ledger, s->path, LEDGER_MAX_BYTES);
	s->ledger.unflushed = true;
}

void stored_ledger_note(struct stored_ledger *s, const struct put *p)
{
	struct ledger_line v[2] = {{"uploader", p->key, 0, 1},
				   {"uploader", NULL, s->unnoted, s->unnoted_entries}};
	int fd = lseek(p->fd, 0, SEEK_SET) == 0 ? fcntl(p->fd, F_DUPFD_CLOEXEC, 0) : -1;

	if (fd >= 0)
		(void)capfile_count(fd, &v[0].packets); /* a file of flowagg's; closes fd */
	if (ledger_add(&s->ledger, v, s->unnoted_entries ? 2 : 1) == 0) {
		s->unnoted = s->unnoted_entries = 0;
		return;
	}
	s->unnoted += v[0].packets;
	s->unnoted_entries++;
}

void stored_ledger_close(struct stored_ledger *s)
{
	if (s->ledger.path)
		ledger_close(&s->ledger);
}

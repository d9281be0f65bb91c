#include "logptn/cmd/follow_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "logptn/cmd/dump.h"
#include "logptn/lib/intake/intake.h"
#include "logptn/lib/model_state.h"
#include "logptn/out/view.h"

/* A longer line is cut for logptn anyway (SHAPE_MAX); what follows is skipped up to its end. */
#define LINE_MAX_BYTES (4u * SHAPE_MAX)
#define READ_BYTES     65536u
/* How long a file is polled at most: rotation and truncation show without an event. */
#define POLL_MS 250

struct tail {
	const char *name;
	int fd;
	dev_t dev;
	ino_t ino;
	off_t at;
	uint8_t *line; /* what is read of a line so far; SHAPE_SLACK more bytes */
	size_t n;
	bool skipping;
	uint64_t number;
	struct lines_record lines;
	uint32_t record, generation; /* of the table, when record was valid */
	bool complained;
};

struct follower {
	const struct opts *o;
	FILE *out;
	struct skels t;
	struct formats *f;
	uint32_t formats_of,
		generation; /* number of skeletons that f was made from, and of their table */
	struct tail *tail;
	int ntails, inotify;
	int error;
};

static volatile sig_atomic_t stopping;

static void on_signal(int sig)
{
	(void)sig;
	stopping = 1;
}

static bool each_line(const struct follower *w)
{
	return w->o->log || w->o->dumper == DUMP_NDJSON;
}

/* Makes the formats anew if there are new skeletons, and prints the formats that are new. */
static void refresh(struct follower *w)
{
	struct formats *f;
	struct opts only = *w->o;
	struct view v;

	if (w->f && w->formats_of == w->t.n && w->generation == w->t.generation)
		return;
	formats_free(&w->f);
	w->error = formats_make(&w->t, &f);
	if (w->error)
		return;
	only.only_new = true;
	if (!each_line(w)) {
		w->error = view_formats(f, dump_wanted, &only, false, &v);
		if (!w->error)
			out_text(&v, w->out, isatty(fileno(w->out)));
		view_free(&v);
		formats_remember(f, &w->t);
		fflush(w->out);
	}
	w->f = f;
	w->formats_of = w->t.n;
	w->generation = w->t.generation;
}

static void take_line(struct follower *w, struct tail *s)
{
	size_t n = s->n;
	bool continued;

	s->n = 0;
	s->skipping = false;
	s->number++;
	if (n && s->line[n - 1] == '\r')
		n--;
	if (!n)
		return;
	memset(s->line + n, 0, SHAPE_SLACK);
	if (s->generation != w->t.generation)
		s->record = SKEL_NONE;
	continued = lines_continues(&w->o->rule, &s->lines, s->line, n) && s->record != SKEL_NONE;
	if (continued)
		skels_more(&w->t, s->record);
	else
		s->record = intake_add(&w->t, s->line, n);
	s->generation = w->t.generation;
	if (s->record == SKEL_NONE) {
		w->error = -ENOMEM;
		return;
	}
	if (each_line(w)) {
		refresh(w);
		if (w->f)
			dump_line(w->o, w->f, s->record, continued, s->line, n, s->name, s->number,
				  w->out);
	}
}

static void take_bytes(struct follower *w, struct tail *s, const uint8_t *p, size_t n)
{
	while (n && !w->error) {
		const uint8_t *nl = memchr(p, '\n', n);
		size_t k = nl ? (size_t)(nl - p) : n, room = LINE_MAX_BYTES - s->n,
		       fit = k < room ? k : room;

		if (!s->skipping) {
			memcpy(s->line + s->n, p, fit);
			s->n += fit;
		}
		s->skipping |= fit < k;
		if (nl)
			take_line(w, s);
		p += k + (nl != NULL);
		n -= k + (nl != NULL);
	}
}

/* Opens the file if it is there; a rotated one is opened anew from its start. */
static void open_tail(struct follower *w, struct tail *s)
{
	struct stat st;
	int fd = open(s->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st)) {
		if (!s->complained)
			fprintf(stderr, "logptn: %s: %s; waiting for it\n", s->name,
				strerror(errno));
		s->complained = true;
		if (fd >= 0)
			close(fd);
		return;
	}
	s->complained = false;
	s->fd = fd;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->at = 0;
	s->number = 0;
	s->lines = (struct lines_record){0};
	s->record = SKEL_NONE;
	if (w->inotify >= 0)
		inotify_add_watch(w->inotify, s->name,
				  IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB);
}

/* Reads what is there. True if it read something. */
static bool read_tail(struct follower *w, struct tail *s)
{
	uint8_t block[READ_BYTES];
	bool any = false;
	ssize_t n;

	while (!stopping && !w->error && (n = read(s->fd, block, sizeof block)) > 0) {
		s->at += n;
		any = true;
		take_bytes(w, s, block, (size_t)n);
		if (s->fd == STDIN_FILENO)
			break;
	}
	return any;
}

static void check_tail(struct follower *w, struct tail *s)
{
	struct stat st;

	if (s->fd < 0)
		open_tail(w, s);
	if (s->fd < 0)
		return;
	if (!fstat(s->fd, &st) && st.st_size < s->at) {
		fprintf(stderr, "logptn: %s: truncated; reading it from its start\n", s->name);
		lseek(s->fd, 0, SEEK_SET);
		s->at = 0;
		s->n = 0;
		s->skipping = false;
	}
	read_tail(w, s);
	/* The name leads elsewhere now: what is left of the old file has just been read. */
	if (!stat(s->name, &st) ? st.st_dev != s->dev || st.st_ino != s->ino : errno == ENOENT) {
		if (s->n)
			take_line(w, s);
		close(s->fd);
		s->fd = -1;
		open_tail(w, s);
		if (s->fd >= 0)
			read_tail(w, s);
	}
}

/* Waits for an event or POLL_MS. False when standard input has ended and there is nothing else. */
static bool wait_for_more(struct follower *w)
{
	struct pollfd p[2] = {{.fd = w->inotify, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
	struct tail *in = NULL;
	char events[4096];
	bool more = false;

	for (int i = 0; i < w->ntails; i++) {
		if (!strcmp(w->tail[i].name, "-")) {
			if (w->tail[i].fd == STDIN_FILENO) {
				p[1].fd = STDIN_FILENO;
				in = &w->tail[i];
				more = true;
			}
		} else {
			more = true;
		}
	}
	if (!more)
		return false;
	if (poll(p, 2, POLL_MS) <= 0)
		return true;
	if (p[0].revents)
		while (read(w->inotify, events, sizeof events) > 0)
			;
	if (in && p[1].revents && !read_tail(w, in)) {
		if (in->n)
			take_line(w, in);
		in->fd = -1;
	}
	return true;
}

static int finish(struct follower *w)
{
	int r = w->error;

	for (int i = 0; i < w->ntails; i++)
		if (w->tail[i].n && !w->error)
			take_line(w, &w->tail[i]);
	if (!r) {
		refresh(w);
		r = w->error;
	}
	/* Counts have changed since f was made. */
	formats_free(&w->f);
	if (!r)
		r = formats_make(&w->t, &w->f);
	if (!r && !each_line(w) && !w->o->only_new)
		r = dump_formats(w->o, &w->t, w->f, NULL, 0, w->out);
	if (!r && w->o->state) {
		formats_remember(w->f, &w->t);
		r = model_state_save_file(&w->t, w->o->state);
	}
	return r;
}

int follow(const struct opts *o, FILE *out)
{
	struct follower w = {.o = o,
			     .out = out,
			     .ntails = o->nfiles,
			     .inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
	struct sigaction act = {.sa_handler = on_signal};
	time_t saved = time(NULL);
	int r = skels_init(&w.t);

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	w.tail = calloc((size_t)o->nfiles, sizeof *w.tail);
	if (!r && !w.tail)
		r = -ENOMEM;
	for (int i = 0; !r && i < o->nfiles; i++) {
		bool std = !strcmp(o->files[i], "-");

		w.tail[i] = (struct tail){
			.name = o->files[i], .fd = std ? STDIN_FILENO : -1, .record = SKEL_NONE};
		w.tail[i].line = malloc(LINE_MAX_BYTES + SHAPE_SLACK);
		r = w.tail[i].line ? 0 : -ENOMEM;
	}
	if (!r && o->state)
		r = model_state_load_file(&w.t, o->state);
	while (!r && !stopping && !w.error) {
		for (int i = 0; i < w.ntails; i++)
			if (strcmp(w.tail[i].name, "-"))
				check_tail(&w, &w.tail[i]);
		refresh(&w);
		if (each_line(&w))
			fflush(out);
		if (o->state && time(NULL) - saved >= FOLLOW_SAVE_S && w.f) {
			formats_remember(w.f, &w.t);
			r = model_state_save_file(&w.t, o->state);
			saved = time(NULL);
		}
		if (!wait_for_more(&w))
			break;
	}
	if (!r)
		r = finish(&w);
	formats_free(&w.f);
	skels_fini(&w.t);
	for (int i = 0; w.tail && i < w.ntails; i++) {
		free(w.tail[i].line);
		if (w.tail[i].fd > STDIN_FILENO)
			close(w.tail[i].fd);
	}
	free(w.tail);
	if (w.inotify >= 0)
		close(w.inotify);
	return r;
}

/*
 * logptn: finds the formats of log lines. See logptn(1).
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "logptn/cmd/dump.h"
#include "logptn/cmd/follow_files.h"
#include "logptn/cmd/learn.h"
#include "logptn/cmd/opts.h"
#include "logptn/cmd/progress.h"
#include "logptn/lib/model_state.h"

/* The original announced each file like this. */
static void announce(const char *name)
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%Y/%m/%d %H:%M:%S", &tm);
	fprintf(stderr, "%s arg:%s\n", stamp, name);
}

static int open_inputs(const struct opts *o, struct input *in)
{
	for (int i = 0; i < o->nfiles; i++) {
		int r;

		if (o->progress)
			announce(o->files[i]);
		r = input_open(o->files[i], &in[i]);
		if (r) {
			fprintf(stderr, "logptn: %s: %s\n", o->files[i],
				r == -EBADMSG ? "damaged gzip data" : strerror(-r));
			return r;
		}
	}
	return 0;
}

static int learn_and_dump(const struct opts *o, const struct input *in, size_t n, FILE *out)
{
	struct progress progress;
	struct formats *f = NULL;
	struct skels t;
	size_t total = 0;
	int r = skels_init(&t);

	if (r)
		return r;
	if (o->state)
		r = model_state_load_file(&t, o->state);
	for (size_t i = 0; i < n; i++)
		total += in[i].n;
	progress_start(&progress, o->progress, total);
	if (!r)
		r = learn(in, n, &o->rule, o->threads, &t, &progress.done);
	progress_stop(&progress);
	if (!r)
		r = formats_make(&t, &f);
	if (!r)
		r = o->log || o->dumper == DUMP_NDJSON ? dump_lines(o, &t, f, in, n, out)
						       : dump_formats(o, &t, f, in, n, out);
	if (!r && o->state) {
		formats_remember(f, &t);
		r = model_state_save_file(&t, o->state);
	}
	formats_free(&f);
	skels_fini(&t);
	return r;
}

int main(int argc, char **argv)
{
	struct opts o;
	struct input *in;
	FILE *out;
	int r = opts_parse(argc, argv, &o);

	if (r)
		return r - 1;
	/* Threads allocate little and seldom; one pool for all keeps what they gave back in use. */
	mallopt(M_ARENA_MAX, 1);
	in = calloc((size_t)o.nfiles, sizeof *in);
	if (!in)
		return 1;
	out = dump_open(o.output);
	if (!out)
		r = -EIO;
	else if (o.follow)
		r = follow(&o, out);
	else
		r = open_inputs(&o, in);
	if (!r && !o.follow) {
		r = o.compat ? dump_compat(&o, in, (size_t)o.nfiles, out)
			     : learn_and_dump(&o, in, (size_t)o.nfiles, out);
		if (r)
			fprintf(stderr, "logptn: %s\n", strerror(-r));
	}
	if (out && dump_close(out, o.output))
		r = -EIO;
	for (int i = 0; i < o.nfiles; i++)
		input_close(&in[i]);
	free(in);
	lines_rule_fini(&o.rule);
	return r ? 1 : 0;
}

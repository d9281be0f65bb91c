#include "files/job.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "files/file_walk.h"
#include "files/record_diff.h"
#include "record/history.h"

/* A file from this size on is shared by all workers. */
#define SHARED_BYTES (32u << 20)

/* The buffer of the output: without one of ours, glibc takes a page whatever size is asked for. */
static char out_buf[256u << 10];

/* Files on their way through the workers, in order. */
struct pending {
	char *path;
	bool named;
	bool shared;
	unsigned worker;
};

struct job {
	const struct job_options *o;
	FILE *out;
	struct history history;
	struct buf line; /* with --diff the whole line, else what the history made of its end */
	struct worker_pool *pool; /* NULL: self does the work, in this process */
	struct pool_worker *self;
	_Atomic uint64_t *read_bytes; /* shared with the workers */
	uint64_t records, files;
	bool damaged;
	bool shown;
	struct pending pending[POOL_MAX * POOL_AHEAD];
	size_t head, count;
	unsigned next_worker;
};

static void show(void *arg)
{
	struct job *j = arg;

	if (!j->o->progress)
		return;
	fprintf(stderr, "\r%" PRIu64 " files, %" PRIu64 " MB, %" PRIu64 " records ", j->files,
		*j->read_bytes / 1000000, j->records);
	j->shown = true;
}

static void unshow(struct job *j)
{
	if (j->shown)
		fputs("\r\033[K", stderr);
	j->shown = false;
}

static void complain(struct job *j, const char *path, const char *what)
{
	unshow(j);
	fprintf(stderr, "lurker-analyzer: %s: %s\n", path, what);
}

static int print(struct job *j, const struct pool_frame *frame, struct bytes line)
{
	struct history_out h;

	/* The history only touches the end: the rest goes out from where it lies. */
	size_t as_it_is = j->o->diff || line.n < RECORD_TEXT_TAIL ? 0 : line.n - RECORD_TEXT_TAIL;

	history_note(&j->history, &frame->history, &h);
	buf_reset(&j->line);
	buf_add(&j->line, line.p + as_it_is, line.n - as_it_is);
	int rc = record_text_history(j->o->pool.format, &h, frame->bare, &j->line);
	if (!rc && j->o->diff) {
		rc = buf_addc(&j->line, 0);
		if (!rc)
			rc = record_diff_record(j->o->diff, (const char *)j->line.p, j->out);
	} else if (!rc) {
		buf_addc(&j->line, '\n');
		if (j->line.failed)
			rc = -ENOMEM;
		else if (fwrite(line.p, 1, as_it_is, j->out) != as_it_is ||
			 fwrite(j->line.p, 1, j->line.n, j->out) != j->line.n)
			rc = -errno;
	}
	if (++j->records % 4096 == 0)
		show(j);
	return rc;
}

/* unread: says in one line what of a file is in no record because it was not looked at. What no
 * reader can make sense of (broken headers, fragments without the rest) leaves the exit code alone:
 * captures have it. */
static void unread(struct job *j, const char *path, const struct capture_reader_result *r)
{
	const struct flow_table_counts *c = &r->counts;
	const struct defrag_counts *g = &r->defrag;
	char link[64], beyond[64];
	const struct {
		uint64_t n;
		const char *unit, *what;
		bool damage;
	} rows[] = {
		{c->link - r->strays, "packet", link, true},
		{r->strays, "packet", "of interfaces that the file does not describe", true},
		{c->turned_away, "packet", beyond, true},
		{c->deep, "packet", "deeper inside tunnels than is looked", true},
		{c->broken, "packet", "whose headers are broken", false},
		{g->timed_out + g->evicted + r->incomplete, "datagram",
		 "whose fragments did not all come", false},
	};
	struct buf text;

	snprintf(link, sizeof link, "of link type %d, which is not known", r->unknown_link);
	snprintf(beyond, sizeof beyond, "of flows beyond --max-flows %" PRIu32,
		 j->o->pool.input.flows.max_flows);
	buf_init(&text, 1024);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!rows[i].n)
			continue;
		buf_addf(&text, "%s%" PRIu64 " %s%s %s",
			 text.n ? ", " : "not in the records: ", rows[i].n, rows[i].unit,
			 rows[i].n == 1 ? "" : "s", rows[i].what);
		j->damaged = j->damaged || rows[i].damage;
	}
	if (text.n && !buf_addc(&text, 0))
		complain(j, path, (const char *)text.p);
	buf_fini(&text);
	if (*r->unfiltered) {
		snprintf(beyond, sizeof beyond, "--filter is not valid for link type %d",
			 r->unfiltered_link);
		char why[sizeof beyond + sizeof r->unfiltered + 4];
		snprintf(why, sizeof why, "%s: %s", beyond, r->unfiltered);
		complain(j, path, why);
		j->damaged = true;
	}
}

/* ended: a file came to its end, or did not. */
static void ended(struct job *j, const char *path, bool named, const struct pool_frame *end)
{
	uint64_t n = end->result.records;
	char text[320];

	j->files++;
	if (end->rc == -EBADMSG && !named)
		return; /* something else that lies in the directory */
	if (end->rc) {
		complain(j, path, end->result.error);
		j->damaged = true;
	} else if (end->result.rc) {
		if (n > 1)
			snprintf(text, sizeof text,
				 "%s: the %" PRIu64 " records before that are kept",
				 end->result.error, n);
		else
			snprintf(text, sizeof text, "%s: %s", end->result.error,
				 n ? "the record before that is kept" : "no record before that");
		complain(j, path, text);
		j->damaged = true;
	}
	if (!end->rc)
		unread(j, path, &end->result);
}

/* next_frame: of a file that worker i has. */
static int next_frame(struct job *j, unsigned i, struct pool_frame *frame, struct bytes *line)
{
	return j->pool ? worker_pool_read(j->pool, i, frame, line, show, j)
		       : pool_worker_next(j->self, frame, line);
}

/* print_file: the records of the oldest pending file, from its worker. */
static int print_file(struct job *j, const struct pending *p)
{
	struct pool_frame frame;
	struct bytes line;
	int rc;

	while (!(rc = next_frame(j, p->worker, &frame, &line)) && frame.type == POOL_RECORD) {
		rc = print(j, &frame, line);
		if (rc)
			return rc;
	}
	if (!rc)
		ended(j, p->path, p->named, &frame);
	return rc;
}

static bool before(const struct pool_frame *a, const struct pool_frame *b)
{
	return a->first_ns != b->first_ns ? a->first_ns < b->first_ns : a->first_no < b->first_no;
}

/* add: what one more of the processes that share a file counted. Strays are nobody's: all pass over
 * them. */
static void add_result(struct capture_reader_result *to, const struct capture_reader_result *of)
{
	to->records += of->records;
	to->incomplete += of->incomplete;
	to->counts.link += of->counts.link;
	to->counts.turned_away += of->counts.turned_away;
	to->counts.deep += of->counts.deep;
	to->counts.broken += of->counts.broken;
	to->defrag.timed_out += of->defrag.timed_out;
	to->defrag.evicted += of->defrag.evicted;
	if (!*to->unfiltered) {
		memcpy(to->unfiltered, of->unfiltered, sizeof to->unfiltered);
		to->unfiltered_link = of->unfiltered_link;
	}
}

/* print_shared_file: the same of a file that all workers share: their records are merged in order
 * of time. */
static int print_shared_file(struct job *j, const struct pending *p)
{
	unsigned n = j->o->jobs;
	struct pool_frame *head = calloc(n, sizeof *head);
	struct bytes line[POOL_MAX];
	struct pool_frame whole = {.type = POOL_END};
	int rc = head ? 0 : -ENOMEM;

	for (unsigned i = 0; i < n && !rc; i++)
		rc = next_frame(j, i, &head[i], &line[i]);
	while (!rc) {
		unsigned first = n;
		for (unsigned i = 0; i < n; i++)
			if (head[i].type == POOL_RECORD &&
			    (first == n || before(&head[i], &head[first])))
				first = i;
		if (first == n)
			break;
		rc = print(j, &head[first], line[first]);
		if (!rc)
			rc = next_frame(j, first, &head[first], &line[first]);
	}
	for (unsigned i = 0; i < n && !rc; i++) {
		if (!i || head[i].rc || head[i].result.rc) {
			struct capture_reader_result others = whole.result;
			whole = head[i];
			add_result(&whole.result, &others);
		} else {
			add_result(&whole.result, &head[i].result);
		}
	}
	free(head);
	if (!rc)
		ended(j, p->path, p->named, &whole);
	return rc;
}

/* print_oldest: the oldest pending file is done then. */
static int print_oldest(struct job *j)
{
	struct pending *p = &j->pending[j->head];
	int rc = p->shared ? print_shared_file(j, p) : print_file(j, p);

	if (rc == -ECHILD)
		complain(j, p->path, "a worker died");
	free(p->path);
	p->path = NULL;
	j->head = (j->head + 1) % (sizeof j->pending / sizeof j->pending[0]);
	j->count--;
	return rc;
}

static bool worth_sharing(const char *path)
{
	struct stat st;
	size_t n = strlen(path);

	/* Every worker would have to uncompress all of it. */
	if (n > 3 && strcmp(path + n - 3, ".gz") == 0)
		return false;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= SHARED_BYTES;
}

/* begin_file: hands a file to the workers; waits for the oldest one when enough are in progress. */
static int begin_file(struct job *j, const char *path, bool named)
{
	unsigned n = j->pool ? j->o->jobs : 1;
	size_t most = j->pool ? (size_t)n * POOL_AHEAD : 1;
	int rc = 0;

	while (!rc && j->count >= most)
		rc = print_oldest(j);
	if (rc)
		return rc;
	struct pending *p =
		&j->pending[(j->head + j->count) % (sizeof j->pending / sizeof j->pending[0])];
	*p = (struct pending){.path = strdup(path), .named = named};
	if (!p->path)
		return -ENOMEM;
	p->shared = n > 1 && worth_sharing(path);
	p->worker = j->next_worker;
	j->count++;
	if (!j->pool) {
		pool_worker_open(j->self, p->path, 0, 1);
		return print_oldest(j);
	}
	if (!p->shared) {
		j->next_worker = (j->next_worker + 1) % n;
		return worker_pool_ask(j->pool, p->worker, path, 0, 1);
	}
	for (unsigned i = 0; i < n && !rc; i++)
		rc = worker_pool_ask(j->pool, i, path, i, n);
	return rc;
}

int job_run(const struct job_options *o, char *const *operands, size_t n, FILE *out)
{
	struct job *j = calloc(1, sizeof *j);
	struct file_walk *w = NULL;
	const char *path;
	bool named;
	int rc;

	if (!j)
		return -ENOMEM;
	j->o = o;
	j->out = out;
	setvbuf(out, out_buf, _IOFBF, sizeof out_buf);
	struct worker_pool_options pool = o->pool;
	buf_init(&j->line, (size_t)pool.input.flows.stream.max_bytes * 10 + (16u << 20));
	j->read_bytes = mmap(NULL, sizeof *j->read_bytes, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	rc = j->read_bytes == MAP_FAILED
		     ? -ENOMEM
		     : history_init(&j->history, o->max_classes, o->max_sources);
	if (!rc) {
		pool.input.progress = j->read_bytes;
		rc = o->jobs > 1 ? worker_pool_new(&pool, o->jobs, &j->pool)
				 : pool_worker_new(&pool, &j->self);
	}
	if (!rc)
		rc = file_walk_new(operands, n, &w);
	if (!rc && pool.format == RECORD_TABLE && !o->diff)
		fprintf(out, "%s\n", record_table_head);
	while (!rc && (rc = file_walk_next(w, &path, &named)) != 0) {
		if (rc < 0) {
			complain(j, path, strerror(-rc));
			j->damaged = true;
			rc = 0;
		} else {
			rc = begin_file(j, path, named);
			show(j);
		}
	}
	while (!rc && j->count)
		rc = print_oldest(j);
	if (!rc && o->diff)
		rc = record_diff_rest(o->diff, out);
	unshow(j);
	if (!rc && o->diff && record_diff_is_of_others(o->diff))
		fputs("lurker-analyzer: --diff: no record is in both: a flow_id depends on "
		      "--sensor, the file's path (from pcap/YYYY/MM/DD/HH/ on, or all of it; .gz "
		      "included) and the flow's place in the file\n",
		      stderr);
	if (!rc && fflush(out))
		rc = -errno;
	if (!rc && j->damaged)
		rc = 1;
	for (; j->count; j->count--) {
		free(j->pending[j->head].path);
		j->head = (j->head + 1) % (sizeof j->pending / sizeof j->pending[0]);
	}
	file_walk_free(&w);
	worker_pool_free(&j->pool);
	pool_worker_free(&j->self);
	history_fini(&j->history);
	if (j->read_bytes != MAP_FAILED)
		munmap(j->read_bytes, sizeof *j->read_bytes);
	buf_fini(&j->line);
	free(j);
	return rc;
}

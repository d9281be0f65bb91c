/*
 * audit: the balance of every stage, to the packet.
 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "balance.h"
#include "base/clock.h"
#include "day_files.h"
#include "front.h"
#include "json_line.h"
#include "time_arg.h"

struct audit_conf {
	const char *since, *until, *objects;
};

#define AT(field) offsetof(struct audit_conf, field)
static const struct opt opts[] = {
	{.name = "since",
	 .flag = 's',
	 .type = OPT_STR,
	 .offset = AT(since),
	 .help = "beginning of the period, written as for lurker query; by default the first run"},
	{.name = "until",
	 .flag = 'u',
	 .type = OPT_STR,
	 .offset = AT(until),
	 .help = "end of the period; by default now"},
	{.name = "objects",
	 .type = OPT_STR,
	 .offset = AT(objects),
	 .help = "directory of the archive, if it is not STATE_DIR/objects"},
	{0},
};
#undef AT

struct audit {
	struct audit_conf conf;
	const char *state_dir;
	uint64_t since_ns, until_ns;
	bool whole;                      /* the period is the whole time up to now */
	bool running;                    /* a service wrote its counters within the last seconds */
	struct stat_history first, last; /* before and after the files were counted */
	struct stat_history period;      /* unless whole */
	struct inventory files;
	unsigned holes;
	unsigned drawn; /* rules drawn for the period */
};

static bool audit_running(const struct stat_history *t, uint64_t now_ns)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct stat_history_service *s = &t->service[i];
		if (s->nruns && s->run[s->nruns - 1].killed && s->end_ns + 5 * NS_PER_S > now_ns)
			return true;
	}
	return false;
}

/* Reads counters, files, and counters again: while packets move, the truth lies in between. */
static int audit_gather(struct audit *a)
{
	int rc = stat_history_read(a->state_dir, 0, UINT64_MAX, &a->first);
	if (rc)
		return rc;
	a->running = audit_running(&a->first, clock_real_ns());
	rc = inventory_read(a->state_dir, a->conf.objects,
			    stat_history_end(&a->first, "flowagg", "next_number"), &a->files);
	if (!rc && a->running)
		sleep(3);
	if (!rc)
		rc = stat_history_read(a->state_dir, 0, UINT64_MAX, &a->last);
	if (!rc && !a->whole)
		rc = stat_history_read(a->state_dir, a->since_ns, a->until_ns, &a->period);
	return rc;
}

/* Prints a rule; true when it holds. */
static bool audit_judge(struct audit *a, const struct balance_rule *r)
{
	const struct stat_history *t = a->whole || r->whole ? &a->last : &a->period;
	struct balance before, after;
	const char *why;
	balance_hand(&a->files, &a->last, &a->first);
	enum balance_readiness ready = balance_ready(r, t, &a->last, &a->files, &why);
	if (ready != BALANCE_READY) {
		printf("%s\n  %c %20s  not drawn: %s\n", r->stage,
		       ready == BALANCE_MISSING ? '!' : '-', "", why);
		return ready == BALANCE_NOTHING;
	}
	a->drawn += !r->whole;
	balance_draw(r, t, &a->files, &after);
	int64_t y = (int64_t)(after.in_sum - after.out_sum), x = y;
	if (r->whole) {
		balance_hand(&a->files, &a->first, &a->last);
		balance_draw(r, t, &a->files, &before);
		x = (int64_t)(before.in_sum - before.out_sum);
	}
	bool good = y == 0 || (r->whole && x <= 0 && y >= 0);
	balance_print(r, &after, r->whole && !a->whole ? ", for the whole time up to now" : "",
		      good ? 0 : y, stdout);
	if (good && y)
		printf("  +  %20lld  in motion during the audit\n", (long long)y);
	return good;
}

/* A time in UTC, to the millisecond. */
static void audit_utc(char out[40], uint64_t ns)
{
	time_t s = (time_t)(ns / NS_PER_S);
	struct tm tm;
	char text[24];
	gmtime_r(&s, &tm);
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(out, 40, "%s.%03llu", text, (unsigned long long)(ns % NS_PER_S / NS_PER_MS));
}

static int audit_take_alert(void *arg, struct bytes line)
{
	struct audit *a = arg;
	struct json_object *o;
	int rc = json_line_parse(line, &o);
	if (rc)
		return rc == -EBADMSG ? 0 : rc;
	const char *kind = json_line_text(o, "kind");
	if (kind && strcmp(kind, "hole") == 0 && json_line_u64(o, "to_ns") >= a->since_ns &&
	    json_line_u64(o, "from_ns") <= a->until_ns) {
		char from[40], to[40];
		audit_utc(from, json_line_u64(o, "from_ns"));
		audit_utc(to, json_line_u64(o, "to_ns"));
		printf("  %s to %s  interface counted %llu in, %llu out\n", from, to,
		       (unsigned long long)json_line_u64(o, "rx_packets"),
		       (unsigned long long)json_line_u64(o, "tx_packets"));
		a->holes++;
	}
	json_object_put(o);
	return 0;
}

static int audit_holes(struct audit *a)
{
	char dir[PATH_MAX];
	struct day_files days;
	snprintf(dir, sizeof dir, "%s/records/alert", a->state_dir);
	puts("holes: times in which capture was not running (UTC)");
	int rc = day_files_open(dir, &days);
	if (!rc) {
		for (size_t i = 0; i < days.n && !rc; i++)
			rc = day_files_read(&days, i, audit_take_alert, a);
		day_files_close(&days);
	}
	if (!a->holes)
		puts("  none");
	return rc == -ENOENT ? 0 : rc;
}

static int audit_prepare(struct audit *a)
{
	uint64_t now_ns = clock_real_ns();
	a->until_ns = UINT64_MAX;
	a->whole = !a->conf.since && !a->conf.until;
	char err[320];
	if (time_arg_option("--since", a->conf.since, now_ns, &a->since_ns, err, sizeof err) == 0 &&
	    time_arg_option("--until", a->conf.until, now_ns, &a->until_ns, err, sizeof err) == 0)
		return 0;
	fprintf(stderr, "lurker audit: %s\n", err);
	return 2;
}

int front_audit(int argc, char **argv)
{
	static const struct front_usage usage = {
		"audit", "",
		"Draws the balance of every stage, to the packet: the packets that a stage took are equal to\n"
		"those that it passed on, holds or dropped. Within a stage, audit compares counters; --since\n"
		"and --until select a period, to the nearest saved counters (every ten minutes, and at start\n"
		"and stop). Between stages (capture, journal, flowagg, queues, archive, records), it also\n"
		"counts the packets in the files, always for the whole time up to now: files do not say when\n"
		"they came. Holes, times in which capture was not running, are listed with what the interface\n"
		"counted meanwhile.\n\n"
		"Reads: STATE_DIR/stat, journal, spool, objects, records, flowagg.evicted,\n"
		"analyzer.outside, uploader.stored. Writes: nothing. Needs: permission to read them.\n"
		"Exit code: 0 every packet is accounted for; 1 some are not, or a stage that had work left no\n"
		"counters, or there are no counters from that time; 2 usage."};
	static struct audit a;
	static struct svc_common common;
	struct opt_section own = {"", opts, &a.conf};
	int code = front_file_options(&usage, own, &common, &argc, argv);
	if (code >= 0)
		return code;
	a.state_dir = common.state_dir;
	code = audit_prepare(&a);
	if (code)
		return code;
	int rc = audit_gather(&a);
	if (rc) {
		fprintf(stderr, "lurker audit: %s: %s\n", common.state_dir, strerror(-rc));
		code = 1;
		goto out;
	}
	for (size_t i = 0; i < balance_nrules; i++)
		if (!audit_judge(&a, &balance_rules[i]))
			code = 1;
	if (a.files.broken) {
		printf("! %llu capture files are damaged or cut off\n",
		       (unsigned long long)a.files.broken);
		code = 1;
	}
	if (a.files.duplicates)
		printf("%llu records are duplicates of an earlier one (same flow_id)\n",
		       (unsigned long long)a.files.duplicates);
	rc = audit_holes(&a);
	if (rc) {
		fprintf(stderr, "lurker audit: records/alert: %s\n", strerror(-rc));
		code = 1;
	}
	if (!a.drawn) {
		puts("No service left counters from that time.");
		code = 1;
	}
	puts(code ? "NOT everything is accounted for." : "Every packet is accounted for.");
out:
	stat_history_free(&a.first);
	stat_history_free(&a.last);
	stat_history_free(&a.period);
	inventory_free(&a.files);
	return fflush(stdout) == 0 ? code : 1;
}

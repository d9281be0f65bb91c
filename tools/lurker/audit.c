/*
 * audit: the balance of every stage, to the packet.
 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "balance.h"
#include "base/clock.h"
#include "day_files.h"
#include "front.h"
#include "json_line.h"
#include "time_arg.h"

#define SECOND UINT64_C(1000000000)

struct audit_conf {
	const char *since, *until, *objects;
};

#define AT(field) offsetof(struct audit_conf, field)
static const struct opt opts[] = {
	{.name = "since",
	 .flag = 's',
	 .type = OPT_STR,
	 .offset = AT(since),
	 .help = "from then on, as in lurker query; by default from the first run on"},
	{.name = "until",
	 .flag = 'u',
	 .type = OPT_STR,
	 .offset = AT(until),
	 .help = "by default now"},
	{.name = "objects",
	 .type = OPT_STR,
	 .offset = AT(objects),
	 .help = "the archive's directory, if it is not STATE_DIR/objects"},
	{0},
};

struct audit {
	struct audit_conf conf;
	const char *state_dir;
	uint64_t since_ns, until_ns;
	bool whole;   /* the whole life up to now */
	bool running; /* some service wrote its counters a moment ago */
	struct stat_history first, last;
	struct stat_history period; /* unless whole */
	struct inventory stored;
	unsigned holes, drawn; /* drawn: of the rules that are of the period */
};

static bool is_running(const struct stat_history *t, uint64_t now_ns)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct stat_history_service *s = &t->service[i];
		if (s->nruns && s->run[s->nruns - 1].killed && s->end_ns + 5 * SECOND > now_ns)
			return true;
	}
	return false;
}

/* Counters, files, and counters again: while packets move, the truth lies between the two. */
static int gather(struct audit *a)
{
	int rc = stat_history_read(a->state_dir, 0, UINT64_MAX, &a->first);
	if (rc)
		return rc;
	a->running = is_running(&a->first, clock_real_ns());
	rc = inventory_read(a->state_dir, a->conf.objects,
			    stat_history_end(&a->first, "flowagg", "next_number"), &a->stored);
	if (!rc && a->running)
		sleep(3);
	if (!rc)
		rc = stat_history_read(a->state_dir, 0, UINT64_MAX, &a->last);
	if (!rc && !a->whole)
		rc = stat_history_read(a->state_dir, a->since_ns, a->until_ns, &a->period);
	return rc;
}

/* judge: prints a rule; true when it holds. */
static bool judge(struct audit *a, const struct rule *r)
{
	const struct stat_history *t = a->whole || r->whole ? &a->last : &a->period;
	struct balance before, after;
	const char *why;
	balance_hand(&a->stored, &a->last, &a->first);
	enum ready ready = balance_ready(r, t, &a->last, &a->stored, &why);
	if (ready != READY) {
		printf("%s\n  %c %20s  not drawn: %s\n", r->stage,
		       ready == READY_MISSING ? '!' : '-', "", why);
		return ready == READY_NOTHING;
	}
	a->drawn += !r->whole;
	balance_draw(r, t, &a->stored, &after);
	int64_t y = (int64_t)(after.in_sum - after.out_sum), x = y;
	if (r->whole) {
		balance_hand(&a->stored, &a->first, &a->last);
		balance_draw(r, t, &a->stored, &before);
		x = (int64_t)(before.in_sum - before.out_sum);
	}
	bool good = y == 0 || (r->whole && x <= 0 && y >= 0);
	balance_print(r, &after, r->whole && !a->whole ? ", of the whole time up to now" : "",
		      good ? 0 : y, stdout);
	if (good && y)
		printf("  +  %20lld  on the move\n", (long long)y);
	return good;
}

/* clock: a time with its second, in UTC, as records have it. */
static void utc(char out[40], uint64_t ns)
{
	time_t s = (time_t)(ns / SECOND);
	struct tm tm;
	char text[24];
	gmtime_r(&s, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(out, 40, "%s.%03llu", text, (unsigned long long)(ns % SECOND / 1000000));
}

static int take_alert(void *arg, struct bytes line)
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
		utc(from, json_line_u64(o, "from_ns"));
		utc(to, json_line_u64(o, "to_ns"));
		printf("  %s to %s  interface counted %llu in, %llu out\n", from, to,
		       (unsigned long long)json_line_u64(o, "rx_packets"),
		       (unsigned long long)json_line_u64(o, "tx_packets"));
		a->holes++;
	}
	json_object_put(o);
	return 0;
}

static int holes(struct audit *a)
{
	char dir[PATH_MAX];
	struct day_files days;
	snprintf(dir, sizeof(dir), "%s/records/alert", a->state_dir);
	puts("holes: capture was not there (UTC)");
	int rc = day_files_open(dir, &days);
	if (!rc) {
		for (size_t i = 0; i < days.n && !rc; i++)
			rc = day_files_read(&days, i, take_alert, a);
		day_files_close(&days);
	}
	if (!a->holes)
		puts("  none");
	return rc == -ENOENT ? 0 : rc;
}

static int prepare(struct audit *a)
{
	uint64_t now_ns = clock_real_ns();
	a->until_ns = UINT64_MAX;
	a->whole = !a->conf.since && !a->conf.until;
	if (a->conf.since && time_arg_parse(a->conf.since, now_ns, &a->since_ns) != 0) {
		fprintf(stderr, "lurker audit: --since %.80s is no time\n", a->conf.since);
		return 2;
	}
	if (a->conf.until && time_arg_parse(a->conf.until, now_ns, &a->until_ns) != 0) {
		fprintf(stderr, "lurker audit: --until %.80s is no time\n", a->conf.until);
		return 2;
	}
	return 0;
}

int front_audit(int argc, char **argv)
{
	static const struct front_usage usage = {
		"audit", "",
		"Draws the balance of every stage: what came in is what went on, what waits and "
		"what was\n"
		"turned away, to the packet. Within a stage the counters are compared, with "
		"--since "
		"and\n"
		"--until those of that time, to the nearest notes (every ten minutes, and at "
		"starts and\n"
		"stops). From one stage to the next (capture, journal, flowagg, queues, archive, "
		"records)\n"
		"the packets in the files are counted too, always over the whole time up to now: "
		"files do\n"
		"not say when they came.\n"
		"Holes, times in which capture was not there, are listed with what the interface "
		"counted.\n\n"
		"Reads: STATE_DIR/stat, journal, spool, objects, records, flowagg.evicted,\n"
		"analyzer.outside, uploader.stored. Writes: nothing. Needs: the right to read "
		"there. Exit\n"
		"code: 0 all packets accounted for, 1 some are not, or a stage that had work left "
		"no\n"
		"counters, or there are none of that time, 2 usage."};
	static struct audit a;
	static struct svc_common common;
	struct opt_section own = {"", opts, &a.conf};
	int code = front_options(&usage, own, &common, &argc, argv);
	if (code >= 0)
		return code;
	a.state_dir = common.state_dir;
	code = prepare(&a);
	if (code)
		return code;
	int rc = gather(&a);
	if (rc) {
		fprintf(stderr, "lurker audit: %s: %s\n", common.state_dir, strerror(-rc));
		code = 1;
		goto out;
	}
	for (size_t i = 0; i < balance_nrules; i++)
		if (!judge(&a, &balance_rules[i]))
			code = 1;
	if (a.stored.broken) {
		printf("! %llu files are not whole capture files\n",
		       (unsigned long long)a.stored.broken);
		code = 1;
	}
	if (a.stored.again)
		printf("%llu records came twice (the same flow_id)\n",
		       (unsigned long long)a.stored.again);
	rc = holes(&a);
	if (rc) {
		fprintf(stderr, "lurker audit: records/alert: %s\n", strerror(-rc));
		code = 1;
	}
	if (!a.drawn) {
		puts("No service left counters of that time.");
		code = 1;
	}
	puts(code ? "NOT everything is accounted for." : "Every packet is accounted for.");
out:
	stat_history_free(&a.first);
	stat_history_free(&a.last);
	stat_history_free(&a.period);
	inventory_free(&a.stored);
	return fflush(stdout) == 0 ? code : 1;
}

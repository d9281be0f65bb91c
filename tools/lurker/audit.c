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
#include "days.h"
#include "front.h"
#include "when.h"

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
};

struct audit {
	struct audit_conf conf;
	const char *state_dir;
	uint64_t since_ns, until_ns;
	bool whole;   /* the whole life up to now: files can be counted too */
	bool running; /* some service wrote its counters a moment ago */
	struct tally first, last;
	struct stored stored;
	unsigned holes;
};

static bool is_running(const struct tally *t, uint64_t now_ns)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct tally_service *s = &t->service[i];
		if (s->nruns && s->run[s->nruns - 1].killed && s->end_ns + 5 * SECOND > now_ns)
			return true;
	}
	return false;
}

/* Counters, files, and counters again: while packets move, the truth lies between the two. */
static int gather(struct audit *a)
{
	uint64_t now_ns = clock_real_ns();
	int rc = tally_read(a->state_dir, a->since_ns, a->until_ns, &a->first);
	if (rc)
		return rc;
	a->running = a->until_ns >= now_ns && is_running(&a->first, now_ns);
	if (a->whole)
		rc = stored_read(a->state_dir, a->conf.objects, &a->stored);
	if (!rc && a->running)
		sleep(3);
	return rc ? rc : tally_read(a->state_dir, a->since_ns, a->until_ns, &a->last);
}

static const char *not_now(const struct audit *a, const struct rule *r)
{
	if (!tally_service(&a->last, r->service))
		return "the service left no counters";
	if (!r->whole)
		return NULL;
	if (!a->whole)
		return "only over the whole time: files do not say when they came";
	if (strcmp(r->service, "uploader") == 0) {
		if (!a->stored.has_objects)
			return "the archive is not a directory here";
		if (tally_sum(&a->last, "uploader", "archive_removed"))
			return "old objects were removed to stay below max_bytes";
	}
	return NULL;
}

/* judge: prints a rule; true when it holds. */
static bool judge(struct audit *a, const struct rule *r)
{
	struct balance before, after;
	const char *why = not_now(a, r);
	if (why) {
		printf("%s\n  -                       not drawn: %s\n", r->stage, why);
		return true;
	}
	a->stored.delivered = tally_end(&a->first, "flowagg", "total_delivered");
	balance_draw(r, &a->first, &a->stored, &before);
	a->stored.delivered = tally_end(&a->last, "flowagg", "total_delivered");
	balance_draw(r, &a->last, &a->stored, &after);
	int64_t x = (int64_t)(before.in_sum - before.out_sum);
	int64_t y = (int64_t)(after.in_sum - after.out_sum);
	bool good = y == 0 || (r->whole && x <= 0 && y >= 0);
	balance_print(r, &after, good ? 0 : y, stdout);
	if (good && y)
		printf("  +  %20lld  on the move\n", (long long)y);
	return good;
}

static uint64_t number(struct json_object *o, const char *key)
{
	struct json_object *v;
	return json_object_object_get_ex(o, key, &v) ? json_object_get_uint64(v) : 0;
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
	struct json_tokener *k = json_tokener_new();
	if (!k)
		return -ENOMEM;
	struct json_object *v, *o = json_tokener_parse_ex(k, (const char *)line.p, (int)line.n);
	json_tokener_free(k);
	if (o && json_object_object_get_ex(o, "kind", &v) &&
	    strcmp(json_object_get_string(v), "hole") == 0 && number(o, "to_ns") >= a->since_ns &&
	    number(o, "from_ns") <= a->until_ns) {
		char from[40], to[40];
		utc(from, number(o, "from_ns"));
		utc(to, number(o, "to_ns"));
		printf("  %s to %s  interface counted %llu in, %llu out\n", from, to,
		       (unsigned long long)number(o, "rx_packets"),
		       (unsigned long long)number(o, "tx_packets"));
		a->holes++;
	}
	json_object_put(o);
	return 0;
}

static int holes(struct audit *a)
{
	char dir[PATH_MAX];
	struct days days;
	snprintf(dir, sizeof(dir), "%s/records/alert", a->state_dir);
	puts("holes: capture was not there (UTC)");
	int rc = days_open(dir, &days);
	if (!rc) {
		for (size_t i = 0; i < days.n && !rc; i++)
			rc = days_read(&days, i, take_alert, a);
		days_close(&days);
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
	if (a->conf.since && when_parse(a->conf.since, now_ns, &a->since_ns) != 0) {
		fprintf(stderr, "lurker audit: --since %.80s is no time\n", a->conf.since);
		return 2;
	}
	if (a->conf.until && when_parse(a->conf.until, now_ns, &a->until_ns) != 0) {
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
		"turned away, to the packet. Over the whole time (the default) the files of "
		"archive and\n"
		"queues and the records are read and counted too; with --since and --until only "
		"the\n"
		"counters are used, to the nearest notes (every ten minutes, and at starts and "
		"stops).\n"
		"Holes, times in which capture was not there, are listed with what the interface "
		"counted.\n\n"
		"Reads: STATE_DIR/stat, spool, objects, records, flowagg.evicted. Writes: nothing. "
		"Needs: the right "
		"to read\n"
		"there. Exit code: 0 all packets accounted for, 1 some are not, 2 usage."};
	static struct audit a;
	static struct svc_common common;
	struct opt_section own = {"", opts, sizeof(opts) / sizeof(*opts), &a.conf};
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
		tally_free(&a.first);
		return 1;
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
	puts(code ? "NOT everything is accounted for." : "Every packet is accounted for.");
	tally_free(&a.first);
	tally_free(&a.last);
	return fflush(stdout) == 0 ? code : 1;
}

/*
 * lurker-flowagg: packets become flows, flows become files in the spool.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "flowagg/agg.h"
#include "flowagg/ckfile.h"
#include "flowagg/deliver.h"
#include "flowagg/flowagg_count.h"
#include "flowagg/source.h"
#include "pkt/capfile.h"
#include "proto/codec.h"
#include "rt/svc.h"

#define SECOND UINT64_C(1000000000)

/* So long without anything given up, and a full spool is over. */
#define SPOOL_WELL_NS (600 * SECOND)

/* A checkpoint that the disk fails to read: so many tries, with so long between them. */
#define READ_TRIES    3
#define READ_PAUSE_US 300000

/* Packets read from the journal a turn of the loop. */
#define TURN 8192

static struct conf {
	const char *endpoint;
	int64_t idle_timeout_s, max_age_s, max_flows, checkpoint_s, spool_max_files;
	uint64_t max_flow_bytes, max_bytes, bundle_bytes, checkpoint_bytes, spool_max_bytes;
	int bundle, directions;
	struct opt_list consumers, home_networks;
} conf;

static struct home home;

static const char *const bundle_choices[] = {"empty", "none", "all", NULL};
static const char *const directions_choices[] = {"both", "in", NULL};

#define O(field) offsetof(struct conf, field)
static const struct opt opts[] = {
	SVC_OPT_ENDPOINT(struct conf),
	{"idle_timeout_s", 0, OPT_INT, O(idle_timeout_s), "60", 1, 86400, "s",
	 "a flow ends after so long without a packet", NULL},
	{"max_age_s", 0, OPT_INT, O(max_age_s), "3600", 1, 604800, "s",
	 "a flow that goes on is cut after so long", NULL},
	{"max_flow_bytes", 0, OPT_SIZE, O(max_flow_bytes), "32MiB", 2 << 20, INT64_C(1) << 32,
	 "bytes", "a flow that is larger is cut", NULL},
	{"max_flows", 0, OPT_INT, O(max_flows), "131072", 16, 16777216, "flows",
	 "open at a time; beyond, those without initiator payload end first, longest unseen first",
	 NULL},
	{"max_bytes", 0, OPT_SIZE, O(max_bytes), "64MiB", 4 << 20, INT64_C(1) << 38, "bytes",
	 "of packets in memory; beyond, flows end in the same order", NULL},
	{"bundle", 0, OPT_ENUM, O(bundle), "empty", 0, 0, NULL,
	 "what goes into one file a minute: flows whose initiator sent no payload, none, or all",
	 bundle_choices},
	{"bundle_bytes", 0, OPT_SIZE, O(bundle_bytes), "4MiB", 1 << 16, INT64_C(1) << 30, "bytes",
	 "size of a bundle; larger flows get a file of their own", NULL},
	{"directions", 0, OPT_ENUM, O(directions), "both", 0, 0, NULL,
	 "packets in a file: of both ends, or of the initiator only", directions_choices},
	{"consumers", 0, OPT_LIST, O(consumers), "uploader,analyzer", 0, 0, NULL,
	 "queues that get each file", NULL},
	{"home_networks", 0, OPT_LIST, O(home_networks), NULL, 0, 0, NULL,
	 "networks of the sensor: flows they begin with others are the host's own and not kept; by "
	 "default what capture says they are",
	 NULL},
	{"spool_max_bytes", 0, OPT_SIZE, O(spool_max_bytes), "8GiB", 1 << 20, INT64_C(1) << 46,
	 "bytes",
	 "of all queues; beyond, the oldest bundles go, and without any the new file is turned away",
	 NULL},
	{"spool_max_files", 0, OPT_INT, O(spool_max_files), "1000000", 16, INT64_C(1) << 40,
	 "files", "of all queues; likewise", NULL},
	{"checkpoint_s", 0, OPT_INT, O(checkpoint_s), "30", 1, 86400, "s",
	 "how often open flows are saved, when there is something new", NULL},
	{"checkpoint_bytes", 0, OPT_SIZE, O(checkpoint_bytes), "256MiB", 1 << 16, INT64_C(1) << 42,
	 "bytes",
	 "open flows are also saved after so many bytes of journal: a quarter of its bound", NULL},
	{0},
};
#undef O

static const struct metric metrics[] = {
#define COUNT METRIC_ROW
#include "flowagg/counts.def"
};
static uint64_t values[FLOWAGG_COUNTS];

static struct {
	struct svc *svc;
	struct agg agg;
	struct deliver deliver;
	struct source source;
	char journal_dir[4096], checkpoint[4096], evicted[4096];
	int lock;
	uint64_t base[AGG_TOTALS]; /* the totals when this run began */
	uint64_t unsaved_bytes, unsaved_packets, saved_mono_ns;
	int save_error; /* of the last checkpoint */
	bool ready;
	bool full;                   /* the spool, and it was said */
	uint64_t given_up, given_ns; /* files; when the last one was */
	ino_t home_inode;            /* of the file that `home` was read from */
	struct msg_arena arena;
	uint8_t arena_bytes[64 << 10];
} fa = {.lock = -1};

static int parse_home(void)
{
	for (size_t i = 0; i < conf.home_networks.n; i++)
		if (home_add(&home, conf.home_networks.v[i])) {
			log_error("option home_networks",
				  "error=\"%s is no network, or there are more than %d\"",
				  conf.home_networks.v[i], HOME_MAX);
			return -EINVAL;
		}
	return 0;
}

static int check(struct svc *s)
{
	(void)s;
	if (conf.max_flow_bytes > conf.max_bytes / 2) {
		log_error("option", "error=\"max_bytes must be at least twice max_flow_bytes\"");
		return -EINVAL;
	}
	if (conf.consumers.n > 7) {
		log_error("option consumers", "error=\"at most 7\"");
		return -EINVAL;
	}
	for (size_t i = 0; i < conf.consumers.n; i++) {
		const char *name = conf.consumers.v[i];
		if (!spool_key_valid(name) || strchr(name, '/') || strlen(name) > 32) {
			log_error("option consumers", "error=\"%s is no name for a queue\"", name);
			return -EINVAL;
		}
	}
	return parse_home();
}

/* What was counted over the life of the state: the checkpoint's totals and this run's. */
static void sum_up(void)
{
	const struct agg_counts *c = &fa.agg.counts;
	const uint64_t since[AGG_TOTALS] = {
		[TOTAL_PACKETS] = c->packets,
		[TOTAL_TICKS] = c->ticks,
		[TOTAL_GAP] = values[FLOWAGG_DROPPED_GAP],
		[TOTAL_ARP] = c->arp,
		[TOTAL_OTHER_L3] = c->other_l3,
		[TOTAL_BROKEN] = c->broken,
		[TOTAL_UNKNOWN_LINK] = c->unknown_link,
		[TOTAL_OTHER_SIDE] = c->other_side,
		[TOTAL_OWN] = c->own,
		[TOTAL_SEALED] = c->sealed,
		[TOTAL_DELIVERED] =
			values[FLOWAGG_PACKETS_DELIVERED] + values[FLOWAGG_PACKETS_AGAIN],
		[TOTAL_SPOOL] = values[FLOWAGG_DROPPED_SPOOL],
		[TOTAL_DISK] = values[FLOWAGG_DROPPED_DISK],
	};

	for (int i = 0; i < AGG_TOTALS; i++)
		fa.agg.total[i] = fa.base[i] + since[i];
}

/* The next number is `from` for another reason than that all before it was counted. */
static void number_from(uint64_t from)
{
	const uint64_t *t = fa.agg.total;

	sum_up();
	fa.base[TOTAL_BEFORE] = from - 1 - t[TOTAL_PACKETS] - t[TOTAL_TICKS] - t[TOTAL_GAP];
}

static void save(void)
{
	/* Seals that are not in the queues yet are in no checkpoint: they must be out first. */
	int rc = deliver_commit(&fa.deliver);
	sum_up();
	/* And the packets taken in must be in the journal for good: else, after power was lost,
	 * capture would give their numbers to others, which we would take for known. */
	if (!rc)
		rc = journal_flush(fa.journal_dir);
	if (!rc)
		rc = ckfile_save(fa.checkpoint, &fa.agg);
	fa.saved_mono_ns = clock_mono_ns();
	if (rc && rc != fa.save_error)
		log_error("checkpoint not written", "path=%s error=\"%s\"", fa.checkpoint,
			  strerror(-rc));
	fa.save_error = rc;
	if (rc) {
		values[FLOWAGG_CHECKPOINT_ERRORS]++;
		return;
	}
	values[FLOWAGG_CHECKPOINTS]++;
	fa.unsaved_bytes = fa.unsaved_packets = 0;
	seallog_restart(&fa.deliver.log, fa.agg.next_seal);
	rc = journal_mark_set(fa.journal_dir, "flowagg", fa.agg.next);
	if (rc && rc != -ENOENT)
		log_warn("journal mark not written", "error=\"%s\"", strerror(-rc));
}

static void save_if_due(void)
{
	if (!fa.unsaved_packets)
		return;
	if (fa.unsaved_bytes >= conf.checkpoint_bytes || fa.deliver.log.n >= SEALLOG_MAX ||
	    clock_mono_ns() - fa.saved_mono_ns >= (uint64_t)conf.checkpoint_s * SECOND)
		save();
}

static int on_packet(void *arg, const struct journal_packet *p)
{
	struct agg_packet in = {p->number, p->ts_ns, p->caplen, p->len, p->linktype, p->data};

	(void)arg;
	if (!fa.agg.next)
		number_from(p->number);
	int rc = agg_packet(&fa.agg, &in);
	if (rc)
		return rc;
	fa.unsaved_bytes += PCAP_RECORD_HEADER + p->caplen;
	fa.unsaved_packets += p->len != 0;
	/* A tick ends flows; between ticks a batch may fill. */
	if (!p->len)
		deliver_commit(&fa.deliver);
	return 0;
}

static void alert_gap(uint64_t from, uint64_t to, const char *message)
{
	struct msg_alert a = {
		.kind = bytes_str("gap"),
		.severity = bytes_str("warning"),
		.message = bytes_str(message),
		.ts_ns = clock_real_ns(),
		.count = to - from,
	};

	svc_alert(fa.svc, &a);
}

static void on_gap(void *arg, uint64_t from, uint64_t to)
{
	(void)arg;
	values[FLOWAGG_DROPPED_GAP] += to - from;
	fa.agg.next = to; /* should the packet after it be held, the gap is not counted again */
	alert_gap(from, to, "Packets had left the journal before flowagg read them.");
}

static void on_anew(void *arg, uint64_t next)
{
	(void)arg;
	alert_gap(next, next, "The journal was replaced: packet numbers begin anew.");
	/* Numbers below the one wanted would be taken for known ones. */
	fa.agg.next = next;
	number_from(next);
}

static void on_step(void *arg)
{
	(void)arg;
	if (!source_step(&fa.source, TURN)) {
		loop_busy(fa.svc->loop, NULL, NULL);
		deliver_commit(&fa.deliver);
		log_debug(fa.source.held ? "held" : "caught up", "next=%" PRIu64, fa.source.next);
	}
	save_if_due();
}

static void follow_up(void)
{
	if (fa.source.catching_up)
		loop_busy(fa.svc->loop, on_step, NULL);
}

static void on_message(void *arg, const struct bus_msg *bm)
{
	struct msg_packet m;

	(void)arg;
	fa.arena.used = 0;
	if (msg_decode(&msg_packet_schema, bm->body, &m, &fa.arena) ||
	    source_message(&fa.source, &m)) {
		values[FLOWAGG_MALFORMED]++;
		return;
	}
	follow_up();
	save_if_due();
}

static int lock_state(struct svc *s)
{
	char path[4096];

	int rc = svc_path(s, "flowagg.lock", path, sizeof path);
	if (rc)
		return rc;
	fa.lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fa.lock < 0)
		return -errno;
	return flock(fa.lock, LOCK_EX | LOCK_NB) < 0 ? -EBUSY : 0;
}

static struct agg_limits limits_of(const struct conf *c)
{
	return (struct agg_limits){
		.idle_ns = (uint64_t)c->idle_timeout_s * SECOND,
		.max_age_ns = (uint64_t)c->max_age_s * SECOND,
		.max_flow_bytes = c->max_flow_bytes,
		.max_bytes = c->max_bytes,
		.bundle_bytes = c->bundle_bytes,
		.max_flows = (uint32_t)c->max_flows,
		.bundling = (enum agg_bundling)c->bundle,
		.initiator_only = c->directions == 1,
		.home = &home,
	};
}

/* again: whether a disk that failed to read the checkpoint is to be asked once more, after a pause:
 * without it the open flows are lost. */
static bool again(int rc, int *tries)
{
	if (rc != -EIO || ++*tries == READ_TRIES)
		return false;
	usleep(READ_PAUSE_US);
	return true;
}

/* Whether the checkpoint will be no better another time: then we begin without it. */
static bool is_damage(int rc)
{
	return rc == -EBADMSG || rc == -EPROTONOSUPPORT || rc == -EIO;
}

/* The state of the last run, or a new one; in both cases a checkpoint is on disk before the first
 * packet, for the hash seed in it belongs to what is replayed. */
static int restore(uint64_t next, bool have, bool broken)
{
	struct agg_limits limits = limits_of(&conf);
	uint8_t seed[16];

	if (have) {
		int rc, tries = 0;
		do
			rc = ckfile_load(fa.checkpoint, &fa.agg, &limits, deliver_seal,
					 &fa.deliver);
		while (again(rc, &tries));
		if (!rc) {
			memcpy(fa.base, fa.agg.total, sizeof fa.base);
			log_info("restored", "next=%" PRIu64 " flows=%" PRIu32 " packets=%" PRIu64,
				 next, fa.agg.table.used, fa.agg.counts.restored);
			return 0;
		}
		log_error("checkpoint cannot be read", "error=\"%s\"", strerror(-rc));
		if (!is_damage(rc))
			return rc;
		broken = true;
	}
	if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		return -EIO;
	int rc = agg_init(&fa.agg, &limits, seed, deliver_seal, &fa.deliver);
	if (rc)
		return rc;
	/* Without its open flows we go on where it was, not at the journal's beginning: what is
	 * sealed is. */
	if (!broken || journal_mark_get(fa.journal_dir, "flowagg", &fa.agg.next))
		fa.agg.next = 0;
	if (fa.agg.next)
		number_from(fa.agg.next);
	save();
	return 0;
}

/* capture writes it at its start; the operator's word wins. */
static void refresh_home(void)
{
	struct stat st;
	char path[4096];

	if (conf.home_networks.n || svc_path(fa.svc, "capture.home", path, sizeof path) ||
	    stat(path, &st) < 0 || st.st_ino == fa.home_inode)
		return;
	fa.home_inode = st.st_ino;
	int rc = home_load(&home, path);
	if (rc)
		log_error("own networks cannot be read", "path=%s error=\"%s\"", path,
			  strerror(-rc));
	else
		log_info("own networks", "count=%zu", home.n);
}

static int start(struct svc *s)
{
	char spool_dir[4096], log_path[4096];
	uint64_t next = 0, next_seal = 1;

	fa.svc = s;
	fa.arena = (struct msg_arena){fa.arena_bytes, sizeof fa.arena_bytes, 0};
	int rc = lock_state(s);
	if (rc) {
		log_error("state", "error=\"%s\"",
			  rc == -EBUSY ? "another flowagg is running on it" : strerror(-rc));
		return rc;
	}
	if (svc_path(s, "journal", fa.journal_dir, sizeof fa.journal_dir) ||
	    svc_path(s, "flowagg.checkpoint", fa.checkpoint, sizeof fa.checkpoint) ||
	    svc_path(s, "flowagg.seals", log_path, sizeof log_path) ||
	    svc_path(s, "flowagg.evicted", fa.evicted, sizeof fa.evicted) ||
	    svc_path(s, "spool", spool_dir, sizeof spool_dir))
		return -ENAMETOOLONG;
	int heads, tries = 0;
	do
		heads = ckfile_heads(fa.checkpoint, &next, &next_seal);
	while (again(heads, &tries));
	if (heads && heads != -ENOENT) {
		log_error(is_damage(heads) ? "checkpoint is broken" : "checkpoint cannot be read",
			  "path=%s error=\"%s\"", fa.checkpoint, strerror(-heads));
		if (!is_damage(heads))
			return heads;
	}
	struct deliver_options o = {
		.spool_dir = spool_dir,
		.log_path = log_path,
		.evicted_path = fa.evicted,
		.journal_dir = fa.journal_dir,
		.sensor = s->common.sensor,
		.consumers = (const char *const *)conf.consumers.v,
		.nconsumers = conf.consumers.n,
		.limits = {conf.spool_max_bytes, (uint64_t)conf.spool_max_files},
		.from = next_seal,
	};
	rc = deliver_init(&fa.deliver, &o, s->bus, values);
	if (rc) {
		log_error("spool", "path=%s error=\"%s\"", spool_dir, strerror(-rc));
		return rc;
	}
	rc = restore(next, heads == 0, heads && heads != -ENOENT);
	if (rc) {
		log_error("flow table", "error=\"%s\"", strerror(-rc));
		return rc;
	}
	struct source_sink sink = {on_packet, on_gap, on_anew, NULL};
	rc = source_init(&fa.source, fa.journal_dir, fa.agg.next, &sink);
	if (rc) {
		log_error("journal", "path=%s error=\"%s\"", fa.journal_dir, strerror(-rc));
		return rc;
	}
	refresh_home();
	fa.ready = true;
	fa.saved_mono_ns = clock_mono_ns();
	source_catch_up(&fa.source);
	follow_up();
	return svc_subscribe(s, "capture", "packet", on_message, NULL);
}

static bool feeds(const char *consumer)
{
	for (size_t i = 0; i < conf.consumers.n; i++)
		if (strcmp(conf.consumers.v[i], consumer) == 0)
			return true;
	return false;
}

static void fill_values(void)
{
	const struct agg_counts *c = &fa.agg.counts;
	struct spool_use use = spool_use(fa.deliver.spool);

	values[FLOWAGG_PACKETS] = c->packets;
	values[FLOWAGG_TICKS] = c->ticks;
	values[FLOWAGG_PACKETS_BUS] = fa.source.from_bus;
	values[FLOWAGG_PACKETS_JOURNAL] = fa.source.from_journal;
	values[FLOWAGG_PACKETS_KNOWN] = fa.source.known;
	values[FLOWAGG_PACKETS_RESTORED] = c->restored;
	values[FLOWAGG_PACKETS_SEALED] = c->sealed;
	values[FLOWAGG_FLOWS] = c->flows;
	values[FLOWAGG_FLOWS_SEALED] = c->flows_sealed;
	values[FLOWAGG_FLOWS_BUNDLED] = c->flows_bundled;
	values[FLOWAGG_BUNDLES] = c->bundles;
	values[FLOWAGG_ENDED_IDLE] = c->ended[END_IDLE];
	values[FLOWAGG_ENDED_AGE] = c->ended[END_AGE];
	values[FLOWAGG_ENDED_SIZE] = c->ended[END_SIZE];
	values[FLOWAGG_ENDED_REUSE] = c->ended[END_REUSE];
	values[FLOWAGG_EVICTED_PLAIN] = c->evicted_plain;
	values[FLOWAGG_EVICTED_DATA] = c->evicted_data;
	values[FLOWAGG_FRAGMENTS_JOINED] = c->fragments_joined;
	values[FLOWAGG_FRAGMENTS_ALONE] = c->fragments_alone;
	values[FLOWAGG_CLOCK_SET_BACK] = c->set_back;
	values[FLOWAGG_CATCH_UPS] = fa.source.catch_ups;
	values[FLOWAGG_DROPPED_ARP] = c->arp;
	values[FLOWAGG_DROPPED_OTHER_L3] = c->other_l3;
	values[FLOWAGG_DROPPED_BROKEN] = c->broken;
	values[FLOWAGG_DROPPED_UNKNOWN_LINK] = c->unknown_link;
	values[FLOWAGG_DROPPED_OTHER_SIDE] = c->other_side;
	values[FLOWAGG_DROPPED_OWN] = c->own;
	sum_up();
	/* The rows stand in the order of the enum. */
	memcpy(&values[FLOWAGG_TOTAL_BEFORE], fa.agg.total, sizeof fa.agg.total);
	/* 0 is wanted before the first packet. */
	values[FLOWAGG_NEXT_NUMBER] = fa.source.next ? fa.source.next : 1;
	values[FLOWAGG_PACKETS_OPEN] = c->open;
	values[FLOWAGG_PACKETS_BUNDLED] = c->bundled;
	values[FLOWAGG_PACKETS_PENDING] = fa.deliver.pending_packets;
	values[FLOWAGG_FLOWS_OPEN] = fa.agg.table.used;
	values[FLOWAGG_MEMORY_BYTES] = (uint64_t)fa.agg.pool.used * PACKET_POOL_BLOCK;
	values[FLOWAGG_SPOOL_BYTES] = use.bytes;
	values[FLOWAGG_SPOOL_FILES] = use.files;
	values[FLOWAGG_FOR_UPLOADER] = feeds("uploader");
	values[FLOWAGG_FOR_ANALYZER] = feeds("analyzer");
	values[FLOWAGG_CATCHING_UP] = fa.source.catching_up;
	values[FLOWAGG_HELD] = fa.source.held;
}

/* Says once that the spool is full, and once that it is so no longer. */
static void watch_spool(void)
{
	uint64_t files =
		values[FLOWAGG_DROPPED_EVICTED_FILES] + values[FLOWAGG_DROPPED_SPOOL_FILES];
	uint64_t now = clock_mono_ns();

	if (files != fa.given_up) {
		fa.given_up = files;
		fa.given_ns = now;
		if (!fa.full)
			svc_trouble(
				fa.svc, "spool", true, false,
				"The spool is full: its oldest bundles go, and new files when no "
				"bundle is left.");
		fa.full = true;
	} else if (fa.full && now - fa.given_ns > SPOOL_WELL_NS) {
		fa.full = false;
		svc_trouble(fa.svc, "spool", false, false, "The spool has room again.");
	}
}

/* Files whose bytes may not be on disk are made again, from the last checkpoint and the journal,
 * which hold all that is in them. The short way there is a start: the supervisor's. Until then no
 * commit passes, so no checkpoint is written over. */
static void leave_if_lost(void)
{
	if (!spool_is_lost(fa.deliver.spool) || fa.svc->exit_code)
		return;
	log_error("files could not be flushed, ending", "hint=\"the next start makes them again\"");
	fa.svc->exit_code = 1;
	loop_stop(fa.svc->loop);
}

static void tick(struct svc *s)
{
	(void)s;
	if (!fa.ready)
		return; /* the last one, after drain */
	leave_if_lost();
	refresh_home();
	source_idle(&fa.source);
	/* A commit that failed is tried again, and then what waits in the journal; a checkpoint may
	 * be due with no packet coming. */
	deliver_commit(&fa.deliver);
	follow_up();
	save_if_due();
	leave_if_lost();
	watch_spool();
	fill_values();
}

static void drain(struct svc *s)
{
	(void)s;
	if (!fa.ready)
		return;
	/* Flows stay open: the next run goes on with them. */
	save();
	fill_values();
	log_info("ended",
		 "next=%" PRIu64 " packets=%" PRIu64 " flows_open=%" PRIu32
		 " files_delivered=%" PRIu64,
		 fa.source.next, values[FLOWAGG_PACKETS], fa.agg.table.used,
		 values[FLOWAGG_FILES_DELIVERED]);
	fa.ready = false;
	source_fini(&fa.source);
	deliver_fini(&fa.deliver);
	agg_fini(&fa.agg);
	close(fa.lock);
}

int main(int argc, char **argv)
{
	static const char *const calls[] = {"flock", "syncfs", NULL};
	static const struct svc_desc desc = {
		.name = "flowagg",
		.most_in = 128, /* batches of packets, which are in the journal */
		.details =
			"Reads    packet messages of capture, and STATE_DIR/journal for what they "
			"lack.\n"
			"Writes   STATE_DIR/spool/queue/CONSUMER/KEY, one link a consumer: one "
			"pcap a flow, and one\n"
			"         bundle a minute for flows whose initiator sent nothing;\n"
			"         STATE_DIR/flowagg.checkpoint, flowagg.seals and "
			"flowagg.evicted;\n"
			"         RUN_DIR/flowagg.sock: topics flow, stat, alert.\n"
			"Needs    no privilege; capture's journal on the same machine. SIGTERM "
			"saves open flows, it does\n"
			"         not seal them.\n"
			"Prints   log lines on standard error, nothing else.",
		.opts = opts,
		.conf = &conf,
		.endpoint = &conf.endpoint,
		.metrics = metrics,
		.nmetrics = FLOWAGG_COUNTS,
		.values = values,
		.calls = calls,
		.check = check,
		.start = start,
		.tick = tick,
		.drain = drain,
	};
	return svc_main(&desc, argc, argv);
}

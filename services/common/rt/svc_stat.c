#include "rt/svc_stat.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "proto/codec.h"
#include "storage/counters_file.h"

const struct metric svc_bus_metrics[SVC_BUS_METRICS] = {
	{"bus_published", METRIC_COUNTER, "messages", "published on the bus"},
	{"bus_received", METRIC_COUNTER, "messages", "received from the bus"},
	{"bus_malformed", METRIC_DROP, "messages", "received from the bus and not understood"},
	{"bus_crowded_out", METRIC_DROP, "messages",
	 "large messages sent to nobody while too much waited for a slow subscriber"},
	{"bus_missed", METRIC_DROP, "messages",
	 "messages that the bus dropped on the way here; what was announced is on disk"},
};

static uint64_t resident_bytes(void)
{
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	unsigned long long size = 0, resident = 0;
	if (sscanf(text, "%llu %llu", &size, &resident) != 2)
		return 0;
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

#define STAT_MAX 256

/* Says once that the disk refuses. */
static void leave(struct svc *s, const struct msg_stat *m, struct buf *body, bool final)
{
	if (!s->counters_file)
		return;
	buf_reset(body);
	int rc = msg_json(&msg_stat_schema, m, body);
	if (!rc)
		rc = counters_file_note(s->counters_file, clock_real_ns(), buf_bytes(body), final);
	if (rc && !s->account_failed)
		log_warn("counters cannot be left on disk", "error=\"%s\"", strerror(-rc));
	s->account_failed = rc != 0;
}

void svc_stat(struct svc *s, bool final)
{
	const struct svc_desc *d = s->desc;
	struct msg_count rows[3][STAT_MAX];
	size_t n[3] = {0};
	for (size_t i = 0; i < d->nmetrics; i++) {
		unsigned kind = d->metrics[i].kind;
		if (n[kind] < STAT_MAX)
			rows[kind][n[kind]++] = (struct msg_count){
				.name = bytes_str(d->metrics[i].name), .count = d->values[i]};
	}
	struct bus_counts bc = bus_counts(s->bus);
	const uint64_t bus_values[SVC_BUS_METRICS] = {bc.published, bc.received, bc.malformed,
						      bc.crowded_out, bc.missed};
	for (size_t i = 0; i < SVC_BUS_METRICS; i++) {
		unsigned kind = svc_bus_metrics[i].kind;
		if (n[kind] < STAT_MAX)
			rows[kind][n[kind]++] = (struct msg_count){
				.name = bytes_str(svc_bus_metrics[i].name), .count = bus_values[i]};
	}
	struct rusage ru;
	getrusage(RUSAGE_SELF, &ru);
	struct msg_stat m = {
		.pid = (uint64_t)getpid(),
		.start_ns = bus_epoch(s->bus),
		.rss_bytes = resident_bytes(),
		.cpu_ns = (uint64_t)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * NS_PER_S +
			  (uint64_t)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1000u,
		.counters = {rows[METRIC_COUNTER], n[METRIC_COUNTER]},
		.gauges = {rows[METRIC_GAUGE], n[METRIC_GAUGE]},
		.drops = {rows[METRIC_DROP], n[METRIC_DROP]},
	};
	struct buf body;
	buf_init(&body, 1u << 16);
	if (msg_encode(&msg_stat_schema, &m, &body) == 0)
		bus_publish(s->bus, "stat", buf_bytes(&body));
	leave(s, &m, &body, final);
	buf_fini(&body);
}

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "proto/codec.h"
#include "rt/loop.h"
#include "rt/svc.h"
#include "storage/records.h"

int svc_record_alert(const char *state_dir, const struct msg_alert *alert)
{
	struct buf line;
	char dir[PATH_MAX];
	struct records *r = NULL;
	int n = snprintf(dir, sizeof dir, "%s/records/alert", state_dir);
	if (n < 0 || (size_t)n >= sizeof dir)
		return -ENAMETOOLONG;
	buf_init(&line, 1u << 20);
	int rc = msg_json(&msg_alert_schema, alert, &line);
	/* Alerts are rare: the file is opened for each, and several services may append to it. */
	if (!rc)
		rc = records_open(dir, 0, 3650, &r);
	if (!rc)
		rc = records_append(r, alert->ts_ns, buf_bytes(&line));
	records_close(&r);
	buf_fini(&line);
	return rc;
}

int svc_alert(struct svc *s, const struct msg_alert *alert)
{
	struct buf body;
	int rc = svc_record_alert(s->common.state_dir, alert);
	if (rc)
		log_error("alert not recorded", "error=\"%s\"", strerror(-rc));
	buf_init(&body, 1u << 20);
	if (msg_encode(&msg_alert_schema, alert, &body) == 0)
		bus_publish(s->bus, "alert", buf_bytes(&body));
	log_warn("alert", "kind=%.*s severity=%.*s message=\"%.*s\"", (int)alert->kind.n,
		 (const char *)alert->kind.p, (int)alert->severity.n,
		 (const char *)alert->severity.p, (int)alert->message.n,
		 (const char *)alert->message.p);
	buf_fini(&body);
	return rc;
}

int svc_trouble(struct svc *s, const char *kind, bool begins, bool stuck, const char *message)
{
	const struct msg_alert a = {
		.kind = bytes_str(kind),
		.severity = bytes_str(!begins ? "info"
				      : stuck ? "critical"
					      : "warning"),
		.message = bytes_str(message),
		.ts_ns = clock_real_ns(),
		.state = bytes_str(begins ? "begin" : "end"),
	};
	return svc_alert(s, &a);
}

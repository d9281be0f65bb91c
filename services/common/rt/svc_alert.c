#include <limits.h>
#include <string.h>

#include "proto/codec.h"
#include "rt/records.h"
#include "rt/svc.h"

int svc_alert(struct svc *s, const struct msg_alert *alert)
{
	struct buf body;
	buf_init(&body, 1u << 20);
	char dir[PATH_MAX];
	int rc = svc_path(s, "records/alert", dir, sizeof(dir));
	struct records *r = NULL;
	if (!rc)
		rc = msg_json(&msg_alert_schema, alert, &body);
	/* Alerts are rare: the file is opened for each, and several services may append to it. */
	if (!rc)
		rc = records_open(dir, 0, 3650, &r);
	if (!rc)
		rc = records_append(r, alert->ts_ns, buf_bytes(&body));
	if (rc)
		log_error("alert not recorded", "error=\"%s\"", strerror(-rc));
	records_close(&r);
	buf_reset(&body);
	if (msg_encode(&msg_alert_schema, alert, &body) == 0)
		bus_publish(s->bus, "alert", buf_bytes(&body));
	log_warn("alert", "kind=%.*s severity=%.*s message=\"%.*s\"", (int)alert->kind.n,
		 (const char *)alert->kind.p, (int)alert->severity.n,
		 (const char *)alert->severity.p, (int)alert->message.n,
		 (const char *)alert->message.p);
	buf_fini(&body);
	return rc;
}

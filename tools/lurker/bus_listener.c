#include "bus_listener.h"

#include <errno.h>
#include <string.h>

#include "front.h"
#include "proto/codec.h"

/* The endpoint of a producer: what `producers` says, else its default. */
static const char *bus_listener_endpoint(const struct svc_common *c, const char *producer)
{
	size_t n = strlen(producer);
	for (size_t i = 0; i < c->producers.n; i++)
		if (strncmp(c->producers.v[i], producer, n) == 0 && c->producers.v[i][n] == '=')
			return c->producers.v[i] + n + 1;
	return producer;
}

static int bus_listener_subscribe(struct bus_listener *l, const struct svc_common *c,
				  const char *producer, const char *const *topics, size_t ntopics,
				  bus_fn fn, void *arg)
{
	int rc = 0;
	for (size_t i = 0; !rc && i < ntopics; i++) {
		const char *by = msg_schema_of(bytes_str(topics[i]))->producer;
		if (strcmp(by, producer) == 0 || strcmp(by, "any") == 0)
			rc = bus_subscribe(l->bus, bus_listener_endpoint(c, producer), topics[i],
					   fn, arg);
	}
	return rc;
}

int bus_listener_open(struct bus_listener *l, const struct svc_common *c, const char *const *topics,
		      size_t ntopics, bus_fn fn, void *arg)
{
	*l = (struct bus_listener){0};
	struct bus_options o = {
		.sensor = c->sensor,
		.run_dir = c->run_dir,
		.curve_secret = c->curve_secret,
		.curve_server = c->curve_server,
		.hwm = c->hwm,
	};
	char err[512] = "";
	int rc = loop_new(&l->loop);
	if (!rc)
		rc = bus_new(&o, l->loop, &l->bus, err, sizeof err);
	for (const struct service_row *r = service_rows; !rc && r->name; r++)
		rc = bus_listener_subscribe(l, c, r->name, topics, ntopics, fn, arg);
	if (!rc)
		rc = bus_listener_subscribe(l, c, "up", topics, ntopics, fn, arg);
	if (rc)
		log_error("bus", "error=\"%s\"", *err ? err : strerror(-rc));
	return rc;
}

void bus_listener_close(struct bus_listener *l)
{
	bus_free(&l->bus, 0);
	loop_free(&l->loop);
}

#include "fleet.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define EXIT_CONFIGURATION 2

static bool fleet_listed(const struct opt_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], name) == 0)
			return true;
	return false;
}

bool fleet_wants(const struct opt_list *asked, const struct service_row *row)
{
	return asked->n ? fleet_listed(asked, row->name) : row->start == SERVICE_DEFAULT;
}

int fleet_choose(struct fleet *f, const struct opt_list *asked, int (*installed)(const char *name),
		 const char **culprit)
{
	*f = (struct fleet){0};
	for (size_t i = 0; i < asked->n; i++)
		if (!service_row(asked->v[i])) {
			*culprit = asked->v[i];
			return -EINVAL;
		}
	/* Who reads is there before what it reads begins: against the way of a packet. */
	for (const struct service_row *r = service_rows + NSERVICES; r-- > service_rows;) {
		if (!fleet_wants(asked, r))
			continue;
		int rc = installed(r->name);
		if (rc && asked->n) {
			*culprit = r->name;
			return rc;
		}
		if (!rc)
			f->member[f->n++] = (struct fleet_member){.row = r};
	}
	return 0;
}

bool fleet_due(const struct fleet *f, const struct fleet_member *m, uint64_t now_ns)
{
	return !f->draining && !m->running && now_ns >= m->again_ns;
}

void fleet_started(struct fleet_member *m, uint64_t now_ns)
{
	m->restarts += m->started_ns != 0;
	m->running = true;
	m->started_ns = now_ns;
}

void fleet_not_started(struct fleet_member *m, uint64_t now_ns)
{
	m->again_ns = now_ns + FLEET_PAUSE_MAX_NS;
}

enum fleet_next fleet_ended(struct fleet *f, struct fleet_member *m, struct fleet_end end,
			    uint64_t now_ns)
{
	m->running = false;
	if (f->draining) {
		/* SIGTERM alone: it had not begun. A crash on the way out is told in the exit
		 * code. */
		bool well = end.by_signal ? end.number == SIGTERM : end.number == 0;
		if (!well && !f->exit_code)
			f->exit_code = 1;
		return FLEET_DRAINED;
	}
	if (!end.by_signal && end.number == EXIT_CONFIGURATION) {
		f->exit_code = EXIT_CONFIGURATION;
		return FLEET_REFUSED;
	}
	if (now_ns - m->started_ns >= FLEET_STEADY_NS || !m->pause_ns)
		m->pause_ns = FLEET_PAUSE_MIN_NS;
	m->again_ns = now_ns + m->pause_ns;
	m->pause_ns = m->pause_ns * 2 > FLEET_PAUSE_MAX_NS ? FLEET_PAUSE_MAX_NS : m->pause_ns * 2;
	return FLEET_RESTART;
}

bool fleet_drain(struct fleet *f, uint64_t now_ns)
{
	if (f->draining)
		return false;
	f->draining = true;
	f->drain_began_ns = now_ns;
	return true;
}

bool fleet_running(const struct fleet *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->member[i].running)
			return true;
	return false;
}

bool fleet_overdue(const struct fleet *f, uint64_t now_ns)
{
	return f->draining && now_ns - f->drain_began_ns > FLEET_DRAIN_LIMIT_NS;
}

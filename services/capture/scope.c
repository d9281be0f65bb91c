#include "capture/scope.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/addr.h"

static int scope_check_ports(const struct opt_list *l, const char *option, char *err, size_t errlen)
{
	for (size_t i = 0; i < l->n; i++) {
		char *end;
		long a = strtol(l->v[i], &end, 10), b = a;
		bool number = end != l->v[i];
		if (number && *end == '-') {
			const char *from = end + 1;
			b = strtol(from, &end, 10);
			number = end != from;
		}
		if (strcmp(l->v[i], "none") == 0 && l->n == 1)
			continue;
		if (!number || *end || a < 1 || b > 65535 || a > b) {
			snprintf(err, errlen,
				 "%s: \"%.40s\" is neither a port (22) nor a range (8000-8100)",
				 option, l->v[i]);
			return -EINVAL;
		}
	}
	return 0;
}

int scope_check(const struct scope *s, char *err, size_t errlen)
{
	struct net net;

	for (size_t i = 0; i < s->networks->n; i++)
		if (net_parse(s->networks->v[i], &net)) {
			snprintf(err, errlen, "networks: \"%.60s\" is not a network",
				 s->networks->v[i]);
			return -EINVAL;
		}
	int rc = scope_check_ports(s->exclude, "exclude_ports", err, errlen);
	return rc ? rc : scope_check_ports(s->host, "host_ports", err, errlen);
}

static bool scope_is_none(const struct opt_list *l)
{
	return l->n == 0 || strcmp(l->v[0], "none") == 0;
}

/* `(dst net A or dst net B)`; way is "src" or "dst". */
static void scope_put_nets(struct buf *out, const char *way, const struct opt_list *a,
			   const struct opt_list *b)
{
	const char * or = "(";

	for (size_t i = 0; i < a->n; i++, or = " or ")
		buf_addf(out, "%s%s net %s", or, way, a->v[i]);
	for (size_t i = 0; b && i < b->n; i++, or = " or ")
		buf_addf(out, "%s%s net %s", or, way, b->v[i]);
	buf_addc(out, ')');
}

static void scope_put_ports(struct buf *out, const char *way, const struct opt_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		buf_addf(out, "%stcp %s port%s %s", i ? " or " : "(", way,
			 strchr(l->v[i], '-') ? "range" : "", l->v[i]);
	buf_addc(out, ')');
}

/* Leaves out the ports of the networks in a and b, in both directions. */
static void scope_put_without(struct buf *out, const struct opt_list *ports,
			      const struct opt_list *a, const struct opt_list *b)
{
	static const char *const ways[] = {"dst", "src"};

	if (scope_is_none(ports) || a->n + (b ? b->n : 0) == 0)
		return;
	for (int i = 0; i < 2; i++) {
		buf_adds(out, out->n ? " and not (" : "not (");
		scope_put_nets(out, ways[i], a, b);
		buf_adds(out, " and ");
		scope_put_ports(out, ways[i], ports);
		buf_addc(out, ')');
	}
}

int scope_filter(const struct scope *s, struct buf *out)
{
	if (s->filter && *s->filter)
		buf_addf(out, "(%s)", s->filter);
	scope_put_without(out, s->exclude, s->networks, s->addresses);
	scope_put_without(out, s->host, s->addresses, NULL);
	return buf_addc(out, '\0') ? -ENOMEM : 0;
}

/*
 * api: Docker, Kubernetes and Hadoop YARN, told from the path of an HTTP request.
 *
 * Their paths are distinctive enough with a version or a second segment; a lone common word (/info,
 * /events, /version) counts only on the port where that API usually listens.
 */
#include "app/recognisers.h"

#include <string.h>

static const char *const docker_objects[] = {
	"containers", "images",   "exec",   "networks",     "volumes", "swarm",
	"nodes",      "services", "tasks",  "secrets",      "configs", "plugins",
	"system",     "events",   "build",  "auth",         "_ping",   "info",
	"version",    "session",  "commit", "distribution", "grpc",    NULL};
static const char *const docker_calls[] = {"containers/json",  "containers/create",
					   "containers/prune", "images/json",
					   "images/create",    "images/load",
					   "images/search",    "_ping",
					   "system/df",        "volumes/create",
					   "networks/create",  "swarm/init",
					   "swarm/join",       NULL};
static const char *const kube_objects[] = {"namespaces",
					   "pods",
					   "nodes",
					   "secrets",
					   "services",
					   "configmaps",
					   "serviceaccounts",
					   "events",
					   "endpoints",
					   "componentstatuses",
					   "persistentvolumes",
					   "persistentvolumeclaims",
					   "replicationcontrollers",
					   "resourcequotas",
					   "limitranges",
					   "proxy",
					   "watch",
					   NULL};

/* The next segment of a path such as /a/b: cuts "/a" off and returns "a". */
static struct bytes segment(struct bytes *path)
{
	struct bytes s = {path->p, 0};
	if (path->n == 0 || path->p[0] != '/')
		return s;
	*path = text_from(*path, 1);
	s.p = path->p;
	while (s.n < path->n && path->p[s.n] != '/')
		s.n++;
	*path = text_from(*path, s.n);
	return s;
}

/* v1.24, v2 */
static bool is_version(struct bytes s)
{
	if (s.n < 2 || s.n > 8 || s.p[0] != 'v')
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!is_digit(s.p[i]) && s.p[i] != '.')
			return false;
	return true;
}

static bool docker(const struct app_in *in, const struct msg_http *h, struct bytes path,
		   struct bytes *call)
{
	struct bytes rest = path;
	struct bytes s = segment(&rest);
	bool versioned = is_version(s) && memchr(s.p, '.', s.n);
	if (versioned) {
		path = rest;
		s = segment(&rest);
	}
	if (!text_among(s, docker_objects, false))
		return false;
	*call = text_from(path, 1);
	if (versioned || text_among(*call, docker_calls, false) ||
	    text_starts_nocase(h->user_agent, "docker"))
		return true;
	if (in->dst_port == 2375 || in->dst_port == 2376 || in->dst_port == 4243)
		return true;
	/* /containers/<id>/start, /exec/<id>/start */
	struct bytes id = segment(&rest), verb = segment(&rest);
	return id.n >= 12 && verb.n > 0 && (text_is(s, "containers") || text_is(s, "exec"));
}

/* What a client asks an API server first. Elsewhere these are common words. */
static bool kube_discovery(const struct app_in *in, struct bytes path)
{
	static const char *const calls[] = {"api",     "apis",  "api/v1", "version",
					    "healthz", "livez", "readyz", NULL};
	while (path.n && path.p[path.n - 1] == '/')
		path.n--;
	path = text_from(path, 1);
	if (in->dst_port == 443 || in->dst_port == 8443)
		return text_is(path, "api/v1");
	return in->dst_port == 6443 && text_among(path, calls, false);
}

static bool kubernetes(const struct app_in *in, const struct msg_http *h, struct bytes path,
		       struct bytes *call)
{
	struct bytes rest = path;
	struct bytes s = segment(&rest), t;

	*call = text_from(path, 1);
	if (kube_discovery(in, path))
		return true;
	if (text_is(s, "api")) {
		t = segment(&rest);
		if (text_is(t, "v1")) {
			*call = rest.n > 1 ? text_from(rest, 1) : *call;
			return text_among(segment(&rest), kube_objects, false);
		}
	} else if (text_is(s, "apis")) {
		t = segment(&rest);
		struct bytes v = segment(&rest);
		if (t.n && memchr(t.p, '.', t.n) && v.n && v.p[0] == 'v')
			return true;
		if (t.n && (text_is(t, "apps") || text_is(t, "batch") || text_is(t, "autoscaling")))
			return true;
	} else if (text_is(s, "runningpods") || text_is(s, "openapi")) {
		t = segment(&rest);
		return text_is(s, "runningpods") || text_is(t, "v2") || text_is(t, "v3");
	} else if (in->dst_port == 10250 || in->dst_port == 10255) { /* kubelet */
		return text_is(s, "pods") || text_is(s, "run") || text_is(s, "exec") ||
		       text_is(s, "metrics") || text_is(s, "stats") ||
		       text_is(s, "containerLogs") || text_is(s, "healthz");
	}
	return text_starts_nocase(h->user_agent, "kubectl/");
}

static bool yarn(struct bytes path, struct bytes *call)
{
	struct bytes rest = path;
	struct bytes s = segment(&rest), v = segment(&rest);
	if (!text_is(s, "ws") || !is_version(v))
		return false;
	*call = text_from(rest, 1);
	s = segment(&rest);
	return text_is(s, "cluster") || text_is(s, "node") || text_is(s, "history") ||
	       text_is(s, "timeline");
}

void app_api(const struct app_in *in, struct msg_http *h)
{
	struct bytes path = h->target, call;
	const uint8_t *query = path.n ? memchr(path.p, '?', path.n) : NULL;

	if (query)
		path = text_upto(path, (size_t)(query - path.p));
	while (path.n > 1 && path.p[0] == '/' && path.p[1] == '/') /* servers take //a as /a */
		path = text_from(path, 1);
	const char *api = yarn(path, &call)                ? "yarn"
			  : docker(in, h, path, &call)     ? "docker"
			  : kubernetes(in, h, path, &call) ? "kubernetes"
							   : NULL;
	if (!api)
		return;
	h->api = bytes_str(api);
	h->api_call = call;
}

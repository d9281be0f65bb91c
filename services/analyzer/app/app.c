#include "app/recognisers.h"

#define APP_PROTOCOL(name, transports) {#name, transports, app_##name},
static const struct app_row rows[] = {APP_PROTOCOLS};
#undef APP_PROTOCOL

#define FIRST_BYTES 8

uint16_t app_port(uint16_t port)
{
	switch (port) {
#define X(n) case n:
		APP_PORTS
#undef X
		return port;
	}
	return 0;
}

void app_recognise(const struct app_in *in, struct msg_arena *arena, struct msg_analysis *rec)
{
	struct app_in first = *in;

	first.src_port = app_port(in->src_port);
	first.dst_port = app_port(in->dst_port);
	if (in->init.n == 0)
		return;
	if (in->proto == APP_UDP && in->datagram && in->datagram < in->init.n)
		first.init.n = in->datagram;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!(in->proto == APP_TCP && rows[i].tcp) &&
		    !(in->proto == APP_UDP && rows[i].udp))
			continue;
		size_t used = arena->used;
		if (rows[i].recognise(&first, arena, rec)) {
			if (!rec->app.p)
				rec->app = bytes_str(rows[i].name);
			return;
		}
		arena->used = used; /* what a refusal left behind */
		rec->login = NULL;
	}
	rec->first_bytes = arena_hex(arena, text_upto(in->init, FIRST_BYTES));
}

void app_login(struct msg_arena *a, struct msg_analysis *rec, struct bytes user,
	       struct bytes password, const char *method)
{
	if (rec->login || (!user.p && !password.p))
		return;
	struct msg_login *login = app_part(a, login);
	if (!login)
		return;
	*login =
		(struct msg_login){.user = user, .password = password, .method = bytes_str(method)};
	rec->login = login;
}

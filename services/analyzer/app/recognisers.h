/*
 * recognisers: the table of protocols, and what a recogniser is.
 *
 * APP_PROTOCOL(name, transports): name is the recogniser app_<name>() and what rec->app becomes.
 * Tried from top to bottom: those with a signature of their own first, those that fit more loosely
 * last.
 */
#ifndef APP_RECOGNISERS_H
#define APP_RECOGNISERS_H

#include "app/app.h"
#include "app/cur.h"
#include "app/list.h"
#include "app/text.h"

/* A recogniser: true when it claims the payload and has filled its part of rec; false leaves rec as
 * it was. in->init is never empty; for UDP it is the first datagram alone. */
struct app_row {
	const char *name;
	bool tcp, udp;
	bool (*recognise)(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec);
};

#define APP_ON_TCP true, false
#define APP_ON_UDP false, true
#define APP_ON_ANY true, true

/* clang-format off */
#define APP_PROTOCOLS \
	APP_PROTOCOL(http2,     APP_ON_TCP) \
	APP_PROTOCOL(tls,       APP_ON_TCP) \
	APP_PROTOCOL(dtls,      APP_ON_UDP) \
	APP_PROTOCOL(ssh,       APP_ON_TCP) \
	APP_PROTOCOL(ssdp,      APP_ON_ANY) \
	APP_PROTOCOL(rtsp,      APP_ON_TCP) \
	APP_PROTOCOL(sip,       APP_ON_ANY) \
	APP_PROTOCOL(http,      APP_ON_ANY) \
	APP_PROTOCOL(jsonrpc,   APP_ON_TCP) \
	APP_PROTOCOL(smb,       APP_ON_TCP) \
	APP_PROTOCOL(rdp,       APP_ON_TCP) \
	APP_PROTOCOL(s7,        APP_ON_TCP) \
	APP_PROTOCOL(adb,       APP_ON_TCP) \
	APP_PROTOCOL(bitcoin,   APP_ON_TCP) \
	APP_PROTOCOL(tds,       APP_ON_TCP) \
	APP_PROTOCOL(postgres,  APP_ON_TCP) \
	APP_PROTOCOL(mysql,     APP_ON_TCP) \
	APP_PROTOCOL(mqtt,      APP_ON_TCP) \
	APP_PROTOCOL(ldap,      APP_ON_ANY) \
	APP_PROTOCOL(snmp,      APP_ON_UDP) \
	APP_PROTOCOL(redis,     APP_ON_TCP) \
	APP_PROTOCOL(memcached, APP_ON_ANY) \
	APP_PROTOCOL(dns,       APP_ON_ANY) \
	APP_PROTOCOL(modbus,    APP_ON_TCP) \
	APP_PROTOCOL(ntp,       APP_ON_UDP) \
	APP_PROTOCOL(smtp,      APP_ON_TCP) \
	APP_PROTOCOL(imap,      APP_ON_TCP) \
	APP_PROTOCOL(ftp,       APP_ON_TCP) \
	APP_PROTOCOL(pop3,      APP_ON_TCP) \
	APP_PROTOCOL(socks,     APP_ON_TCP) \
	APP_PROTOCOL(magic,     APP_ON_ANY) \
	APP_PROTOCOL(telnet,    APP_ON_TCP)
/* clang-format on */

#define APP_PROTOCOL(name, transports) \
	bool app_##name(const struct app_in *in, struct msg_arena *a, struct msg_analysis *rec);
APP_PROTOCOLS
#undef APP_PROTOCOL

/* app_part: a zeroed part in the arena, set at rec->name by the caller; NULL when the arena is
 * full. */
#define app_part(a, type) ((struct msg_##type *)arena_take(a, sizeof(struct msg_##type)))

/* app_api: of an HTTP request, which well-known API it is aimed at (sets api and api_call). */
void app_api(const struct app_in *in, struct msg_http *http);
/* app_jsonrpc_read: whether body is a JSON-RPC request (batch, or several one after another). */
bool app_jsonrpc_read(struct bytes body, struct msg_jsonrpc *out);
/* app_login: sets rec->login, unless an earlier one is there. */
void app_login(struct msg_arena *a, struct msg_analysis *rec, struct bytes user,
	       struct bytes password, const char *method);

#endif

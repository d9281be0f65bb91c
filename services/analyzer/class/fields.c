/*
 * fields: what a recognised binary protocol says, as text to be classed, without what is random in
 * it.
 */
#include "class/class.h"

#include <stdio.h>
#include <string.h>

struct writer {
	uint8_t *p;
	size_t n, max;
};

static void put(struct writer *w, struct bytes b)
{
	size_t k = b.n < w->max - w->n ? b.n : w->max - w->n;
	if (k)
		memcpy(w->p + w->n, b.p, k);
	w->n += k;
	if (w->n < w->max)
		w->p[w->n++] = '\n';
}

/* Text that may itself have addresses and numbers in it. */
static void put_normal(struct writer *w, struct bytes b)
{
	if (b.n + 1 > w->max - w->n)
		return;
	w->n += b.n ? class_normal(b, w->p + w->n) : 0;
	w->p[w->n++] = '\n';
}

static void put_strs(struct writer *w, struct msg_strs s, bool normal)
{
	for (size_t i = 0; i < s.n; i++)
		(normal ? put_normal : put)(w, s.v[i]);
	put(w, bytes_str("."));
}

static void put_number(struct writer *w, uint64_t v)
{
	char text[24];
	snprintf(text, sizeof text, "%llu", (unsigned long long)v);
	put(w, bytes_str(text));
}

static void put_numbers(struct writer *w, struct msg_u64s s)
{
	for (size_t i = 0; i < s.n; i++)
		put_number(w, s.v[i]);
	put(w, bytes_str("."));
}

static void tls(struct writer *w, const struct msg_tls *t)
{
	put(w, t->version);
	if (t->ja4.n) { /* made to be the same for the same client */
		put(w, t->ja4);
	} else {
		put_numbers(w, t->ciphers);
		put_numbers(w, t->extensions);
	}
	put_strs(w, t->alpn, false);
}

static void dns(struct writer *w, const struct msg_dns *d)
{
	put(w, d->type);
	put(w, d->class);
	put_number(w, d->opcode);
	put_number(w, d->questions);
	put_number(w, d->edns_bytes);
	put_number(w, (uint64_t)d->recursion << 1 | d->response);
}

static void databases(struct writer *w, const struct msg_analysis *r)
{
	if (r->mysql) {
		put_normal(w, r->mysql->database);
		put(w, r->mysql->plugin);
		put_number(w, r->mysql->tls);
	}
	if (r->postgres) {
		put(w, r->postgres->kind);
		put_normal(w, r->postgres->database);
		put_normal(w, r->postgres->program);
	}
	if (r->tds) {
		put(w, r->tds->kind);
		put(w, r->tds->client_version);
		put_normal(w, r->tds->program);
		put_normal(w, r->tds->database);
	}
	if (r->ldap) {
		put(w, r->ldap->operation);
		put_normal(w, r->ldap->dn);
		put_number(w, r->ldap->version);
	}
	if (r->login)
		put_normal(w, r->login->user);
}

static void windows(struct writer *w, const struct msg_analysis *r)
{
	if (r->smb) {
		put(w, r->smb->version);
		put(w, r->smb->command);
		put_strs(w, r->smb->dialects, false);
	}
	if (r->rdp) {
		put_normal(w, r->rdp->cookie);
		put_strs(w, r->rdp->protocols, false);
	}
}

static void devices(struct writer *w, const struct msg_analysis *r)
{
	if (r->adb) {
		put_strs(w, r->adb->commands, false);
		put_strs(w, r->adb->services, true);
		put_normal(w, r->adb->banner);
	}
	if (r->mqtt) {
		put(w, r->mqtt->version);
		put_normal(w, r->mqtt->client_id);
		put_normal(w, r->mqtt->will_topic);
		put_strs(w, r->mqtt->topics, true);
	}
	if (r->telnet) {
		put_strs(w, r->telnet->options, false);
		put_strs(w, r->telnet->lines, true);
	}
	if (r->snmp) {
		put(w, r->snmp->version);
		put_normal(w, r->snmp->community);
		put(w, r->snmp->pdu);
		put(w, r->snmp->oid);
	}
	if (r->modbus) {
		put_number(w, r->modbus->function);
	}
	if (r->ntp) {
		put_number(w, r->ntp->version);
		put_number(w, r->ntp->mode);
		put_number(w, r->ntp->request);
	}
}

static void peers(struct writer *w, const struct msg_analysis *r)
{
	if (r->socks) {
		put(w, r->socks->version);
		put(w, r->socks->command);
		put_numbers(w, r->socks->methods);
	}
	if (r->bitcoin) {
		put(w, r->bitcoin->network);
		put(w, r->bitcoin->command);
		put_number(w, r->bitcoin->version);
		put_normal(w, r->bitcoin->user_agent);
	}
}

size_t class_fields(const struct msg_analysis *r, uint8_t *out, size_t max)
{
	struct writer w = {out, 0, max};

	if (r->tls)
		tls(&w, r->tls);
	else if (r->ssh && r->ssh->hassh.n) {
		put_normal(&w, r->ssh->banner);
		put(&w, r->ssh->hassh_algorithms);
	} else if (r->dns)
		dns(&w, r->dns);
	else if (r->smb || r->rdp)
		windows(&w, r);
	else if (r->mysql || r->postgres || r->tds || r->ldap)
		databases(&w, r);
	else if (r->adb || r->mqtt || r->telnet || r->snmp || r->modbus || r->ntp)
		devices(&w, r);
	else if (r->socks || r->bitcoin)
		peers(&w, r);
	return w.n;
}

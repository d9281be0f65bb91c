/*
 * tool: which scanner sends such a SYN, or says such things.
 *
 * Sources: the tools' own packets (zmap, masscan, nmap, unicornscan), observed; the leaked Mirai
 * source for its sequence number; the probes of nmap-service-probes.
 */
#include "who/syn.h"

#include <string.h>

enum { OPT_MSS = 2 };

static bool has(struct bytes b, const char *s)
{
	return b.n && memmem(b.p, b.n, s, strlen(s));
}

static bool said(struct who_tool *out, const char *name, const char *reason)
{
	*out = (struct who_tool){name, reason};
	return true;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* What it says. */
static bool by_payload(const struct msg_analysis *r, struct who_tool *out)
{
	if (r->http) {
		struct bytes ua = r->http->user_agent;
		if (has(ua, "zgrab"))
			return said(out, "zgrab", "User-Agent names zgrab");
		if (has(ua, "masscan"))
			return said(out, "masscan", "User-Agent names masscan");
		if (has(ua, "Nmap Scripting Engine"))
			return said(out, "nmap", "User-Agent names the Nmap Scripting Engine");
		if (has(r->http->target, "/nice%20ports%2C/Tri%6Eity.txt%2ebak"))
			return said(out, "nmap", "nmap's probe for 404 pages");
	}
	if (r->ssh && has(r->ssh->banner, "ZGrab"))
		return said(out, "zgrab", "SSH identification names ZGrab");
	if (r->ssh && bytes_eq(r->ssh->banner, bytes_str("SSH-2.0-Go")))
		return said(
			out, "zgrab",
			"SSH identification SSH-2.0-Go, zgrab2's default (other Go programs send "
			"it too)");
	if (r->ssh && has(r->ssh->banner, "Nmap"))
		return said(out, "nmap", "SSH identification names Nmap");
	if (r->sip && has(r->sip->from, "sip:nm@nm"))
		return said(out, "nmap", "nmap's SIP probe");
	if (r->rdp && bytes_eq(r->rdp->cookie, bytes_str("nmap")))
		return said(out, "nmap", "RDP cookie nmap");
	if (r->smb && r->smb->dialects.n == 10 &&
	    bytes_eq(r->smb->dialects.v[0], bytes_str("PC NETWORK PROGRAM 1.0")) &&
	    bytes_eq(r->smb->dialects.v[3], bytes_str("MICROSOFT NETWORKS 3.0")))
		return said(out, "nmap", "nmap's SMB negotiate probe");
	return false;
}

/* What it computes: values that do not come about by chance. */
static bool by_mark(const struct who_syn *s, struct who_tool *out)
{
	if (s->dst.family != 4)
		return false;
	uint32_t dst = be32(s->dst.b);
	if (s->seq == dst && s->opts.nkinds == 0)
		return said(out, "mirai", "SYN sequence number is the destination address");
	if (s->ip_id == 54321)
		return said(out, "zmap", "IP-ID 54321");
	if (s->ip_id != 0 && !s->df && s->ip_id == ((dst ^ s->dport ^ s->seq) & 0xffff))
		return said(out, "masscan",
			    "IP-ID is destination address ^ port ^ sequence number");
	return false;
}

/* nmap's OS detection (nmap book, "TCP/IP Fingerprinting Methods"): six SYNs with a saturated time
 * stamp, and one that asks for ECN with an urgent pointer of its own. */
static bool nmap_os_probe(const struct who_syn *s)
{
	static const uint16_t windows[] = {1, 63, 4, 16, 512, 256, 31337};
	const struct tcp_opts *t = &s->opts;

	if (s->win == 3 && s->urg == 0xf7f5 && (s->flags & TCP_ECE) && (s->flags & TCP_CWR))
		return true;
	for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
		if (s->win == windows[i] && t->has_ts && t->ts_val == 0xffffffff && t->ts_ecr == 0)
			return true;
	return false;
}

/* What its SYNs look like. */
static bool by_shape(const struct who_syn *s, struct who_tool *out)
{
	const struct tcp_opts *t = &s->opts;
	bool only_mss = t->nkinds == 1 && t->kinds[0] == OPT_MSS && t->mss == 1460;

	if (nmap_os_probe(s))
		return said(out, "nmap", "options, window and time stamp of an OS detection probe");
	if (s->df || s->flags != TCP_SYN || s->ack != 0 || s->dst.family != 4)
		return false;
	if (only_mss && (s->win == 1024 || s->win == 2048 || s->win == 3072 || s->win == 4096))
		return said(out, "nmap",
			    "MSS 1460 as the only option, window 1024, 2048, 3072 or 4096, no DF");
	if (only_mss && s->win == 65535 && s->ttl > 192)
		return said(out, "zmap",
			    "MSS 1460 as the only option, window 65535, TTL from 255, no DF");
	if (t->nkinds == 0 && s->win == 1024)
		return said(out, "masscan",
			    "window 1024 without options, no DF (older nmaps look alike)");
	return false;
}

bool who_tool_said(const struct msg_analysis *rec, struct who_tool *out)
{
	*out = (struct who_tool){0};
	return by_payload(rec, out);
}

bool who_tool(const struct who_syn *syn, const struct who_tool *payload, struct who_tool *out)
{
	if (syn && by_mark(syn, out))
		return true;
	if (payload->name) {
		*out = *payload;
		return true;
	}
	return syn && by_shape(syn, out);
}

/* nmap's service probes as variety of input, read where Debian installs them: nothing is read
 * beyond a payload, and the probes of protocols that we know are recognised. */
#include "app_support.h"

#define PROBES "/usr/share/nmap/nmap-service-probes"

static const struct {
	const char *probe, *proto, *app; /* app "": stays unknown */
} expected[] = {
	{"GenericLines", "TCP", ""},
	{"GetRequest", "TCP", "http"},
	{"HTTPOptions", "TCP", "http"},
	{"RTSPRequest", "TCP", "rtsp"},
	{"RPCCheck", "TCP", "sunrpc"},
	{"RPCCheck", "UDP", "sunrpc"},
	{"DNSVersionBindReq", "UDP", "dns"},
	{"DNSVersionBindReqTCP", "TCP", "dns"},
	{"DNSStatusRequest", "UDP", "dns"},
	{"DNSStatusRequestTCP", "TCP", "dns"},
	{"NBTStat", "UDP", "dns"},
	{"Help", "TCP", ""},
	{"Hello", "TCP", "smtp"},
	{"SSLSessionReq", "TCP", "tls"},
	{"TLSSessionReq", "TCP", "tls"},
	{"SSLv23SessionReq", "TCP", "tls"},
	{"TLS-PSK", "TCP", "tls"},
	{"DTLSSessionReq", "UDP", "dtls"},
	{"TerminalServerCookie", "TCP", "rdp"},
	{"TerminalServer", "TCP", "rdp"},
	{"SMBProgNeg", "TCP", "smb"},
	{"X11Probe", "TCP", "x11"},
	{"FourOhFourRequest", "TCP", "http"},
	{"LDAPSearchReq", "TCP", "ldap"},
	{"LDAPSearchReqUDP", "UDP", "ldap"},
	{"LDAPBindReq", "TCP", "ldap"},
	{"SIPOptions", "TCP", "sip"},
	{"SIPOptions", "UDP", "sip"},
	{"JavaRMI", "TCP", "java-rmi"},
	{"NTPRequest", "UDP", "ntp"},
	{"SNMPv1public", "UDP", "snmp"},
	{"SNMPv3GetRequest", "UDP", "snmp"},
	{"Socks5", "TCP", "socks"},
	{"Socks4", "TCP", "socks"},
	{"ms-sql-s", "TCP", "tds"},
	{"Memcache", "TCP", "memcached"},
	{"memcached", "UDP", "memcached"},
	{"ajp", "TCP", "ajp"},
	{"DNS-SD", "UDP", "dns"},
	{"mongodb", "TCP", "mongodb"},
	{"redis-server", "TCP", "redis"},
	{"docker", "TCP", "http"},
	{"giop", "TCP", "giop"},
	{"mqtt", "TCP", "mqtt"},
	{"ipmi-rmcp", "UDP", "ipmi"},
	{"QUIC", "UDP", ""},
	{"adbConnect", "TCP", "adb"},
	{"metasploit-xmlrpc", "TCP", ""},
};

/* The C-like escapes of the file. */
static size_t unescape(const char *s, char end, uint8_t *out)
{
	size_t n = 0;
	for (; *s && *s != end; s++) {
		if (*s != '\\') {
			out[n++] = (uint8_t)*s;
			continue;
		}
		s++;
		if (*s == 'x') {
			char hex[3] = {s[1], s[2], 0};
			out[n++] = (uint8_t)strtoul(hex, NULL, 16);
			s += 2;
		} else {
			out[n++] = (uint8_t)(*s == '0'   ? 0
					     : *s == 'r' ? '\r'
					     : *s == 'n' ? '\n'
					     : *s == 't' ? '\t'
					     : *s == 'a' ? 7
							 : *s);
		}
	}
	return n;
}

Test(nmap, service_probes)
{
	static char line[65536], name[64], proto[8];
	static uint8_t payload[65536];
	unsigned probes = 0, met = 0;
	FILE *f = fopen(PROBES, "r");

	if (!f)
		cr_skip_test("nmap-common is not installed");
	while (fgets(line, sizeof line, f)) {
		int at = 0;
		if (sscanf(line, "Probe %7s %63s q%n", proto, name, &at) != 2 || at == 0)
			continue;
		size_t n = unescape(line + at + 1, line[at], payload);
		uint8_t p = strcmp(proto, "TCP") == 0 ? APP_TCP : APP_UDP;
		probes++;
		see_prefixes(p, 7, payload, n);
		for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
			if (strcmp(expected[i].probe, name) != 0 ||
			    strcmp(expected[i].proto, proto) != 0)
				continue;
			met++;
			cr_expect(bytes_eq(rec.app, bytes_str(expected[i].app)) ||
					  (!*expected[i].app && !rec.app.n),
				  "%s %s: \"%.*s\", expected \"%s\"", proto, name, (int)rec.app.n,
				  rec.app.p ? (const char *)rec.app.p : "", expected[i].app);
		}
		if (getenv("SHOW_PROBES"))
			printf("%s %s: %.*s\n", proto, name, (int)rec.app.n,
			       rec.app.p ? (const char *)rec.app.p : "");
	}
	fclose(f);
	cr_expect_geq(probes, 100);
	cr_expect_geq(met, 40);
}

/* SYN fingerprints, tool guesses and two-phase scanners. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "who/phase.h"
#include "who/syn.h"

/* A SYN as pkt_decode leaves it. */
static struct pkt syn_packet(const uint8_t *opt, uint8_t opt_len)
{
	static const uint8_t src[4] = {198, 51, 100, 7}, dst[4] = {192, 0, 2, 1};
	return (struct pkt){
		.stop = PKT_L4,
		.src = addr_v4(src),
		.dst = addr_v4(dst),
		.ttl = 64,
		.ip_id = 4711,
		.df = true,
		.sport = 40000,
		.dport = 23,
		.seq = 0x12345678,
		.win = 64240,
		.flags = TCP_SYN,
		.opt = opt,
		.opt_len = opt_len,
	};
}

static const uint8_t linux_opts[] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
				     0, 9, 0, 0,    0, 0, 1, 3,  3, 7};
static const uint8_t mss1460[] = {2, 4, 5, 0xb4};

static void text_is(const struct pkt *p, const char *want)
{
	char text[WHO_SYN_MAX];
	struct who_syn s;
	who_syn_read(p, &s);
	size_t n = who_syn_text(&s, text);
	cr_expect_str_eq(text, want);
	cr_expect_eq(n, strlen(text));
}

Test(syn, text)
{
	struct pkt p = syn_packet(linux_opts, sizeof linux_opts);
	text_is(&p, "4:64:64240:1460:7:mss,sok,ts,nop,ws:df,id+");
	p.df = false;
	text_is(&p, "4:64:64240:1460:7:mss,sok,ts,nop,ws:");
	p.ip_id = 0;
	text_is(&p, "4:64:64240:1460:7:mss,sok,ts,nop,ws:id-");
	p.df = true;
	p.seq = 0;
	p.ack = 5;
	p.urg = 9;
	p.tos = 2;
	p.payload_wire = 1;
	text_is(&p, "4:64:64240:1460:7:mss,sok,ts,nop,ws:df,ecn,seq-,ack+,uptr,data");
	p.flags |= TCP_ACK | TCP_URG | TCP_PSH | TCP_FIN | TCP_ECE;
	p.tos = 0;
	text_is(&p, "4:64:64240:1460:7:mss,sok,ts,nop,ws:df,ecn,seq-,urg,push,fin,data");
}

Test(syn, odd_options)
{
	static const uint8_t opts[] = {1, 3,  3, 15, 8, 10, 0, 0, 0, 0, 0,  0, 0, 1, 34, 2,
				       5, 10, 0, 0,  0, 0,  0, 0, 0, 0, 99, 3, 0, 0, 0,  7};
	struct pkt p = syn_packet(opts, sizeof opts);
	text_is(&p, "4:64:64240:*:15:nop,ws,ts,tfo,sack,?99,eol+2:df,id+,ts1-,ts2+,opt+,exws");
	p = syn_packet(opts, 3);
	text_is(&p, "4:64:64240:*:*:nop,ws:df,id+,bad");
	p = syn_packet(NULL, 0);
	text_is(&p, "4:64:64240:*:*::df,id+");
	static const uint8_t zero_length[] = {99, 0, 0, 0};
	p = syn_packet(zero_length, 4);
	text_is(&p, "4:64:64240:*:*:?99:df,id+,bad");
	static const uint8_t eol[] = {0, 0, 0, 0};
	p = syn_packet(eol, 4);
	text_is(&p, "4:64:64240:*:*:eol+3:df,id+");
	p = syn_packet(eol, 1);
	text_is(&p, "4:64:64240:*:*:eol:df,id+");
}

Test(syn, v6)
{
	static const uint8_t dst[16] = {0x20, 1, 0xd, 0xb8};
	struct pkt p = syn_packet(mss1460, 4);
	p.dst = addr_v6(dst);
	p.flow_label = 1;
	p.ip_id = 0;
	text_is(&p, "6:64:64240:1460:*:mss:flow");
}

Test(syn, longest_text_fits)
{
	uint8_t opts[40];
	memset(opts, 1, sizeof opts);
	for (int i = 0; i < 40; i += 2) {
		opts[i] = (uint8_t)(200 + i);
		opts[i + 1] = 2;
	}
	struct pkt p = syn_packet(opts, sizeof opts);
	struct who_syn s;
	char text[WHO_SYN_MAX];
	who_syn_read(&p, &s);
	cr_expect_lt(who_syn_text(&s, text), WHO_SYN_MAX);
	s.opts.nkinds = sizeof s.opts.kinds;
	memset(s.opts.kinds, 255, sizeof s.opts.kinds);
	cr_expect_lt(who_syn_text(&s, text), WHO_SYN_MAX);
}

static void tool_is(const struct pkt *p, const struct msg_analysis *rec, const char *want)
{
	static const struct msg_analysis nothing;
	struct who_syn s;
	struct who_tool tool = {NULL, NULL}, said;
	if (p)
		who_syn_read(p, &s);
	who_tool_said(rec ? rec : &nothing, &said);
	bool some = who_tool(p ? &s : NULL, &said, &tool);
	cr_expect_eq(some, want != NULL, "%s, expected %s", some ? tool.name : "nothing",
		     want ? want : "nothing");
	if (some) {
		cr_expect_str_eq(tool.name, want ? want : "");
		cr_expect_not_null(tool.reason);
	}
}

Test(tool, marks)
{
	struct pkt p = syn_packet(NULL, 0);
	p.df = false;
	p.seq = 0xc0000201; /* the destination */
	tool_is(&p, NULL, "mirai");
	p = syn_packet(mss1460, 4);
	p.df = false;
	p.ip_id = 54321;
	tool_is(&p, NULL, "zmap");
	p = syn_packet(mss1460, 4);
	p.df = false;
	p.win = 1024;
	p.ip_id = (0xc0000201u ^ 23u ^ 0x12345678u) & 0xffff;
	tool_is(&p, NULL, "masscan");
	p.df = true;
	tool_is(&p, NULL, NULL);
	p.df = false;
	p.ip_id ^= 1;
	tool_is(&p, NULL, "nmap");
	p.dport ^= 1;
	tool_is(&p, NULL, "masscan");
}

Test(tool, shapes)
{
	struct pkt p = syn_packet(mss1460, 4);
	p.df = false;
	for (uint16_t w = 1024; w <= 4096; w = (uint16_t)(w + 1024)) {
		p.win = w;
		tool_is(&p, NULL, "nmap");
	}
	p.win = 5120;
	tool_is(&p, NULL, NULL);
	p.win = 65535;
	tool_is(&p, NULL, NULL);
	p.ttl = 240;
	tool_is(&p, NULL, "zmap");
	p = syn_packet(NULL, 0);
	p.df = false;
	p.win = 1024;
	tool_is(&p, NULL, "masscan");
	p.flags |= TCP_ACK;
	tool_is(&p, NULL, NULL);
	p = syn_packet(linux_opts, sizeof linux_opts);
	tool_is(&p, NULL, NULL);

	static const uint8_t probe[] = {3,   3,   10,  1,   2, 4, 5, 0xb4, 8, 10,
					255, 255, 255, 255, 0, 0, 0, 0,    4, 2};
	p = syn_packet(probe, sizeof probe);
	p.win = 1;
	tool_is(&p, NULL, "nmap");
	p.win = 31337;
	tool_is(&p, NULL, "nmap");
	p.win = 2;
	tool_is(&p, NULL, NULL);
	p = syn_packet(mss1460, 4);
	p.win = 3;
	p.urg = 0xf7f5;
	p.flags |= TCP_ECE | TCP_CWR;
	tool_is(&p, NULL, "nmap");

	static const uint8_t v6[16] = {0x20, 1};
	p = syn_packet(mss1460, 4);
	p.dst = addr_v6(v6);
	p.df = false;
	p.win = 1024;
	p.ip_id = 54321;
	tool_is(&p, NULL, NULL);
}

Test(tool, payload)
{
	struct msg_http http = {.target = bytes_str("/")};
	struct msg_analysis r = {.http = &http};
	tool_is(NULL, &r, NULL);
	http.user_agent = bytes_str("Mozilla/5.0 zgrab/0.x");
	tool_is(NULL, &r, "zgrab");
	http.user_agent = bytes_str("ivre-masscan/1.3 https://ivre.rocks/");
	tool_is(NULL, &r, "masscan");
	http.user_agent = bytes_str(
		"Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)");
	tool_is(NULL, &r, "nmap");
	http.user_agent = bytes_str("x");
	http.target = bytes_str("/nice%20ports%2C/Tri%6Eity.txt%2ebak");
	tool_is(NULL, &r, "nmap");

	struct msg_ssh ssh = {.banner = bytes_str("SSH-2.0-Go")};
	r = (struct msg_analysis){.ssh = &ssh};
	tool_is(NULL, &r, "zgrab");
	ssh.banner = bytes_str("SSH-2.0-ZGrab ZGrab SSH Survey");
	tool_is(NULL, &r, "zgrab");
	ssh.banner = bytes_str("SSH-2.0-Nmap-SSH2-Hostkey");
	tool_is(NULL, &r, "nmap");
	ssh.banner = bytes_str("SSH-2.0-OpenSSH_9.2");
	tool_is(NULL, &r, NULL);

	struct msg_sip sip = {.from = bytes_str("<sip:nm@nm>;tag=root")};
	r = (struct msg_analysis){.sip = &sip};
	tool_is(NULL, &r, "nmap");
	struct msg_rdp rdp = {.cookie = bytes_str("nmap")};
	r = (struct msg_analysis){.rdp = &rdp};
	tool_is(NULL, &r, "nmap");

	struct bytes dialects[10];
	for (int i = 0; i < 10; i++)
		dialects[i] = bytes_str("x");
	struct msg_smb smb = {.dialects = {dialects, 10}};
	r = (struct msg_analysis){.smb = &smb};
	tool_is(NULL, &r, NULL);
	dialects[0] = bytes_str("PC NETWORK PROGRAM 1.0");
	dialects[3] = bytes_str("MICROSOFT NETWORKS 3.0");
	tool_is(NULL, &r, "nmap");
}

#define SECOND 1000000000ull

static struct addr source(unsigned i)
{
	uint8_t b[4] = {198, 51, (uint8_t)(i >> 8), (uint8_t)i};
	return addr_v4(b);
}

static void bare(struct who_phase *t, unsigned src, uint16_t dport, uint64_t ts,
		 struct who_tool *tool)
{
	static struct who_tool none;
	struct pkt p = syn_packet(mss1460, 4);
	struct who_syn s;
	struct addr a = source(src);
	p.dport = dport;
	p.seq += dport;
	who_syn_read(&p, &s);
	none = (struct who_tool){NULL, NULL};
	who_phase_bare(t, &a, &s, ts, tool ? tool : &none);
}

Test(phase, pair)
{
	static const uint8_t seed[16] = {1};
	struct who_phase *t;
	struct who_first first;
	struct who_phase_stats stats;
	struct who_tool zmap = {"zmap", "because"};
	struct addr a = source(1), b = source(2), none = {0};

	cr_assert_eq(who_phase_new(100, 60 * SECOND, seed, &t), 0);
	cr_expect_not(who_phase_real(t, &a, 10 * SECOND, &first));
	bare(t, 1, 23, 10 * SECOND, &zmap);
	cr_expect_not(who_phase_real(t, &b, 11 * SECOND, &first));
	cr_assert(who_phase_real(t, &a, 11 * SECOND, &first));
	cr_expect_eq(first.ts_ns, 10 * SECOND);
	cr_expect_eq(first.dport, 23);
	cr_expect_str_eq(first.tool.name, "zmap");
	cr_expect_not(who_phase_real(t, &a, 9 * SECOND, &first),
		      "a real connection before the SYN");
	cr_expect_not(who_phase_real(t, &a, 71 * SECOND, &first), "too long ago");
	bare(t, 1, 24, 20 * SECOND, NULL); /* later, without a guess: the guess stays */
	bare(t, 1, 25, 5 * SECOND, NULL);  /* from before, late: the later one stays */
	cr_assert(who_phase_real(t, &a, 71 * SECOND, &first));
	cr_expect_eq(first.dport, 24);
	cr_expect_str_eq(first.tool.name, "zmap");
	cr_expect_not(who_phase_real(t, &none, 71 * SECOND, &first));
	who_phase_stats(t, &stats);
	cr_expect_eq(stats.sources, 1);
	cr_expect_eq(stats.pairs, 2);
	who_phase_free(&t);
	cr_expect_null(t);
	who_phase_free(&t);
}

Test(phase, bounded)
{
	static const uint8_t seed[16] = {2};
	struct who_phase *t;
	struct who_first first;
	struct who_phase_stats stats;

	cr_assert_eq(who_phase_new(64, 1000 * SECOND, seed, &t), 0);
	for (unsigned i = 0; i < 1000; i++)
		bare(t, i, 23, (i + 1) * SECOND, NULL);
	who_phase_stats(t, &stats);
	cr_expect_leq(stats.sources, 64);
	cr_expect_eq(stats.sources + stats.evicted, 1000);
	struct addr last = source(999), old = source(0);
	cr_expect(who_phase_real(t, &last, 1001 * SECOND, &first));
	cr_expect_not(who_phase_real(t, &old, 1001 * SECOND, &first));
	/* Those that were out of the window anyway are no loss. */
	for (unsigned i = 1000; i < 1100; i++)
		bare(t, i, 23, 9999 * SECOND, NULL);
	struct who_phase_stats later;
	who_phase_stats(t, &later);
	cr_expect_lt(later.evicted - stats.evicted, 100);
	who_phase_free(&t);
	cr_assert_eq(who_phase_new(0, 1, seed, &t), 0);
	who_phase_free(&t);
}

/* unicornscan: sequence = key ^ destination (as a little-endian machine reads it) ^ (destination
 * port << 16 + source port). */
static void unicorn(struct who_syn *s, uint32_t key, uint8_t host, uint16_t dport)
{
	uint8_t dst[4] = {192, 0, 2, host};
	struct pkt p = syn_packet(mss1460, 4);
	p.dst = addr_v4(dst);
	p.dport = dport;
	p.seq = key ^ ((uint32_t)host << 24 | 0x0200c0) ^ ((uint32_t)dport << 16 | p.sport);
	who_syn_read(&p, s);
}

Test(phase, unicornscan)
{
	static const uint8_t seed[16] = {3};
	struct who_phase *t;
	struct who_syn s;
	struct addr a = source(1);
	struct who_tool tool = {NULL, NULL};

	cr_assert_eq(who_phase_new(64, 1000 * SECOND, seed, &t), 0);
	unicorn(&s, 0xdeadbeef, 1, 80);
	who_phase_bare(t, &a, &s, 1 * SECOND, &tool);
	cr_expect_null(tool.name, "one SYN says nothing");
	who_phase_bare(t, &a, &s, 2 * SECOND, &tool);
	cr_expect_null(tool.name, "nor does the same one again");
	unicorn(&s, 0xdeadbeef, 2, 80);
	who_phase_bare(t, &a, &s, 3 * SECOND, &tool);
	cr_assert_not_null(tool.name);
	cr_expect_str_eq(tool.name, "unicornscan");
	tool.name = NULL;
	unicorn(&s, 0xdeadbeee, 2, 81);
	who_phase_bare(t, &a, &s, 4 * SECOND, &tool);
	cr_expect_null(tool.name, "another key");
	who_phase_free(&t);
}

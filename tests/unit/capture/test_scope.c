#include <criterion/criterion.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>

#include "capture/scope.h"
#include "rt/ifaddr.h"

static void set(struct opt_list *l, const char *a, const char *b)
{
	opt_list_free(l);
	if (a)
		cr_assert_eq(opt_list_add(l, a), 0);
	if (b)
		cr_assert_eq(opt_list_add(l, b), 0);
}

static struct opt_list networks, exclude, addresses, host;
static struct bpf_program program;

static const char *compiled(const char *own)
{
	static struct buf b;
	struct scope s = {own, &networks, &exclude, &addresses, &host};
	buf_fini(&b);
	buf_init(&b, 1u << 20);
	pcap_freecode(&program);
	cr_assert_eq(scope_filter(&s, &b), 0);
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, 65535);
	cr_assert_eq(pcap_compile(dead, &program, (const char *)b.p, 1, PCAP_NETMASK_UNKNOWN), 0,
		     "%s: %s", (const char *)b.p, pcap_geterr(dead));
	pcap_close(dead);
	return (const char *)b.p;
}

/* A TCP segment from 198.51.100.s:sport to 192.0.2.d:dport or, with `back`, the other way. */
static bool captured(int host_byte, int sport, int dport, bool back)
{
	uint8_t f[54] = {[12] = 8, [14] = 0x45, [17] = 40, [23] = 6, [46] = 0x50};
	uint8_t visitor[4] = {198, 51, 100, 1}, ours[4] = {192, 0, 2, (uint8_t)host_byte};
	memcpy(f + 26, back ? ours : visitor, 4);
	memcpy(f + 30, back ? visitor : ours, 4);
	int from = back ? dport : sport, to = back ? sport : dport;
	f[34] = (uint8_t)(from >> 8), f[35] = (uint8_t)from;
	f[36] = (uint8_t)(to >> 8), f[37] = (uint8_t)to;
	struct pcap_pkthdr h = {.caplen = sizeof f, .len = sizeof f};
	return pcap_offline_filter(&program, &h, f) != 0;
}

Test(scope, everything_by_default)
{
	cr_assert_str_eq(compiled(NULL), "");
	cr_assert(captured(1, 4000, 22, false));
}

Test(scope, host_ports_are_the_interfaces_own)
{
	set(&networks, "192.0.2.128/25", NULL);
	set(&addresses, "192.0.2.1", "2001:db8::1");
	set(&host, "22", NULL);
	compiled(NULL);
	cr_expect_not(captured(1, 4000, 22, false));
	cr_expect_not(captured(1, 4000, 22, true));
	cr_expect(captured(129, 4000, 22, false), "of a watched network, port 22 is a trap");
	cr_expect(captured(1, 4000, 23, false));
	cr_expect(captured(1, 22, 80, false), "a visitor's port is not ours");
	cr_expect(captured(1, 22, 80, true));
	set(&host, "none", NULL);
	cr_expect_str_eq(compiled(NULL), "");
}

Test(scope, excluded_ports_are_so_everywhere)
{
	set(&networks, "192.0.2.128/25", NULL);
	set(&addresses, "192.0.2.1", NULL);
	set(&exclude, "443", "8000-8100");
	compiled("not arp");
	for (int h = 1; h < 130; h += 128) {
		cr_expect_not(captured(h, 4000, 443, false));
		cr_expect_not(captured(h, 4000, 8050, true));
		cr_expect(captured(h, 4000, 8101, false));
	}
}

Test(scope, mistakes_are_named)
{
	static const char *const bad[] = {"ssh", "0", "70000", "9-1", "22-", "22x", ""};
	char err[256];
	struct scope s = {NULL, &networks, &exclude, &addresses, &host};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		set(&exclude, bad[i], NULL);
		cr_expect_eq(scope_check(&s, err, sizeof err), -EINVAL, "%s", bad[i]);
		cr_expect(strstr(err, "exclude_ports"), "%s", err);
	}
	set(&exclude, "1-65535", NULL);
	cr_expect_eq(scope_check(&s, err, sizeof err), 0);
	set(&networks, "192.0.2.1/8", NULL);
	cr_expect_eq(scope_check(&s, err, sizeof err), -EINVAL);
	cr_expect(strstr(err, "192.0.2.1/8"), "%s", err);
}

Test(scope, addresses_of_an_interface)
{
	struct opt_list l = {0};
	cr_assert_eq(ifaddr_list("lo", &l), 0);
	bool found = false;
	for (size_t i = 0; i < l.n; i++)
		found = found || strcmp(l.v[i], "127.0.0.1") == 0;
	cr_expect(found);
	opt_list_free(&l);
	cr_assert_eq(ifaddr_list(NULL, &l), 0);
	for (size_t i = 0; i < l.n; i++)
		cr_expect_str_neq(l.v[i], "127.0.0.1");
	cr_assert_eq(ifaddr_list("no-such", &l), 0);
	opt_list_free(&l);
}

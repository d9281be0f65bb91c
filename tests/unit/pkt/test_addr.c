#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>

#include "pkt/addr.h"

static struct addr parse(const char *text)
{
	struct addr a;
	cr_assert(eq(int, addr_parse(text, &a), 0), "%s", text);
	return a;
}

Test(addr, text_is_canonical)
{
	static const char *const both[][2] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.100.10.9", "255.100.10.9"},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* RFC 5952 4.2.2 */
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
		{"::", "::"},
	};
	for (size_t i = 0; i < sizeof both / sizeof both[0]; i++) {
		struct addr a = parse(both[i][0]);
		char out[ADDR_TEXT_MAX];
		cr_assert(eq(sz, addr_text(&a, out), strlen(both[i][1])));
		cr_assert(eq(str, out, (char *)both[i][1]));
	}
	struct addr none = {0};
	char out[ADDR_TEXT_MAX] = "x";
	cr_assert(eq(sz, addr_text(&none, out), 0));
	cr_assert(eq(str, out, ""));
}

Test(addr, parse_refuses_what_is_none)
{
	static const char *const bad[] = {
		"", "1.2.3", "1.2.3.256", "01.2.3.4x", "2001:db8::1::2", "host", "1.2.3.4/8"};
	struct addr a;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cr_assert(eq(int, addr_parse(bad[i], &a), -EINVAL), "%s", bad[i]);
		cr_assert(eq(int, a.family, 0));
	}
}

Test(addr, order)
{
	struct addr a = parse("255.255.255.255"), b = parse("::"), c = parse("::1");
	cr_assert(lt(int, addr_cmp(&a, &b), 0));
	cr_assert(gt(int, addr_cmp(&c, &b), 0));
	cr_assert(addr_eq(&c, &c));
	cr_assert(not(addr_eq(&b, &c)));
}

Test(net, parse_and_contains)
{
	struct net n;
	struct addr in, out;

	cr_assert(eq(int, net_parse("192.0.2.128/25", &n), 0));
	in = parse("192.0.2.200");
	out = parse("192.0.2.127");
	cr_assert(net_contains(&n, &in));
	cr_assert(not(net_contains(&n, &out)));
	in = parse("::1");
	cr_assert(not(net_contains(&n, &in)));

	cr_assert(eq(int, net_parse("2001:db8::/33", &n), 0));
	in = parse("2001:db8:7fff::1");
	out = parse("2001:db8:8000::1");
	cr_assert(net_contains(&n, &in));
	cr_assert(not(net_contains(&n, &out)));

	cr_assert(eq(int, net_parse("192.0.2.1", &n), 0));
	cr_assert(eq(int, n.bits, 32));
	cr_assert(eq(int, net_parse("2001:db8::1", &n), 0));
	cr_assert(eq(int, n.bits, 128));
	cr_assert(net_contains(&n, &n.addr));
	cr_assert(eq(int, net_parse("0.0.0.0/0", &n), 0));
	in = parse("8.8.8.8");
	cr_assert(net_contains(&n, &in));
}

Test(net, parse_refuses_typing_errors)
{
	static const char *const bad[] = {
		"192.0.2.1/24",   "192.0.2.0/33",
		"192.0.2.0/",     "192.0.2.0/+8",
		"192.0.2.0/8x",   "192.0.2.0/0008",
		"2001:db8::/129", "x/8",
		"2001:db8::1/64", "1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222/64"};
	struct net n;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_assert(eq(int, net_parse(bad[i], &n), -EINVAL), "%s", bad[i]);
}

Test(net, of_clears_host_bits)
{
	struct addr a = parse("198.51.100.77"), b = parse("2001:db8:1:2:3:4:5:6");
	struct addr want4 = parse("198.51.100.0"), want6 = parse("2001:db8:1::");
	struct net n = net_of(&a, 24);
	cr_assert(addr_eq(&n.addr, &want4));
	n = net_of(&b, 48);
	cr_assert(addr_eq(&n.addr, &want6));
	n = net_of(&a, 200);
	cr_assert(eq(int, n.bits, 32));
	cr_assert(addr_eq(&n.addr, &a));
}

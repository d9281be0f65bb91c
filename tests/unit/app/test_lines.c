/* Protocols of lines: Redis, Telnet, SIP, RTSP, SSDP, memcached, mail and FTP; and those told by
 * constant bytes. */
#include "app_support.h"

Test(redis, resp)
{
	tcp(7000,
	    "*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$3\r\ndir\r\n$9\r\n/var/cron\r\n*1\r\n$4\r\nSAVE\r\n"
	    "*2\r\n$4\r\nAUTH\r\n$6\r\nfoobar\r\n");
	is_app("redis");
	cr_assert_eq(rec.redis->commands.n, 3);
	is(rec.redis->commands.v[0], "CONFIG SET dir /var/cron");
	is(rec.redis->commands.v[1], "SAVE");
	cr_expect_eq(rec.redis->count, 3);
	cr_expect_not(rec.redis->plain);
	is(rec.login->password, "foobar");
	is_absent(rec.login->user);
}

Test(redis, cut_off_and_huge_claims)
{
	tcp(6379, "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$99999999999\r\nabc");
	is_app("redis");
	is(rec.redis->commands.v[0], "SET x abc");
	tcp(6379, "*99999999999999999999\r\n$1\r\nx\r\n");
	is_app("redis");
	tcp(6379, "*2\r\n$1\r\nx\r\n:5\r\n");
	is_absent(rec.app);
	tcp(6379, "*2\r\n");
	is_absent(rec.app);
	tcp(6379, "*x\r\n$1\r\nx\r\n");
	is_absent(rec.app);
	tcp(6379, "*1\r\n$1");
	is_absent(rec.app);
}

Test(redis, many_and_long)
{
	static char text[60000];
	size_t n = 0, one;
	for (int i = 0; i < 200; i++)
		n += (size_t)sprintf(text + n, "*2\r\n$4\r\nAUTH\r\n$200\r\n%0200d\r\n", i);
	one = n;
	n += (size_t)sprintf(text + n, "*70\r\n");
	for (int i = 0; i < 70; i++)
		n += (size_t)sprintf(text + n, "$20\r\n%020d\r\n", i);
	see_bytes(APP_TCP, 6379, text, n);
	cr_expect_eq(rec.redis->commands.n, APP_MAX_LINES);
	cr_expect_eq(rec.redis->count, 201);
	see_bytes(APP_TCP, 6379, text + one, n - one);
	cr_assert_eq(rec.redis->commands.n, 1);
	cr_expect_eq(rec.redis->commands.v[0].n, APP_MAX_LINE);
}

Test(redis, plain)
{
	tcp(80, "INFO\r\nconfig get *\r\n\r\nAUTH me secret\r\n");
	is_app("redis");
	cr_expect(rec.redis->plain);
	cr_expect_eq(rec.redis->count, 3);
	is(rec.login->user, "me");
	tcp(80, "\r\n\nping\r\n");
	is_app("redis");
	tcp(80, "ping\r\n");
	is_app("redis");
	tcp(80, "SET a b\r\n");
	is_absent(rec.app);
	tcp(6379, "SET a b\r\n");
	is_app("redis");
	tcp(6379, "FOO a b\r\n");
	is_absent(rec.app);
	tcp(6379, "SET a b");
	is_absent(rec.app);
	tcp(80, "INFO x\r\n");
	is_absent(rec.app);
	tcp(80, "slaveof no one\r\n\x01\x02\r\n");
	cr_expect_eq(rec.redis->count, 1);
}

Test(telnet, negotiation)
{
	tcp(1234, "\xff\xfd\x03\xff\xfb\x18\xff\xfa\x18\x00xterm\xff\xf0\xff\xfc\xc8"
		  "root\r\n\xff\xfb\x01"
		  "12345\r\0enable\n");
	is_app("telnet");
	cr_assert_eq(rec.telnet->options.n, 4);
	is(rec.telnet->options.v[0], "do sga");
	is(rec.telnet->options.v[1], "will ttype");
	is(rec.telnet->options.v[2], "wont 200");
	cr_assert_eq(rec.telnet->lines.n, 3);
	is(rec.telnet->lines.v[2], "enable");
	is(rec.login->user, "root");
	is(rec.login->password, "12345");
	tcp(1234, "\xff\xfd\x03\xff\xfb\x01p\xc3\xa4ss\r\n");
	is_app("telnet");
	tcp(1234, "\xff\xfd\x03");
	is_app("telnet");
	tcp(1234, "\xff\xfd\x03\xff\xff");
	is_absent(rec.app);
	tcp(1234, "\xff\xfd\x03\xff\xf1");
	is_absent(rec.app);
	tcp(1234, "\xff\xfd\x03\x01\x02");
	is_absent(rec.app);
	tcp(1234, "\xff\xfd\x99");
	is_absent(rec.app);
	tcp(1234, "\xff\xfa\x18\x00xterm");
	is_absent(rec.app);
	tcp(1234, "\xff");
	is_absent(rec.app);
}

Test(telnet, bots)
{
	tcp(2323, "admin\r\n1234\r\nsh\r\n");
	is_app("telnet");
	is(rec.login->user, "admin");
	is(rec.login->password, "1234");
	tcp(23, "no user\r\n1234\r\n");
	is_app("telnet");
	cr_expect_null(rec.login);
	tcp(4000, "admin\r\n1234\r\n");
	is_absent(rec.app);
	tcp(4000, "enable\r\nsystem\r\nshell\r\nsh\r\n");
	is_app("telnet");
	cr_expect_null(rec.login);
	cr_expect_eq(rec.telnet->lines.n, 4);
	tcp(4000, "x\r\n/bin/busybox MIRAI\r\n");
	is_app("telnet");
	tcp(23, "\r\n");
	is_absent(rec.app);
	tcp(23, "no end");
	is_absent(rec.app);
	tcp(23, "admin\r\n\x90\x91\r\n");
	is_absent(rec.app);
}

Test(sip, request)
{
	udp(5060,
	    "OPTIONS sip:100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
	    "1.2.3.4:5060;branch=z9hG4bK-1\r\n"
	    "From: \"x\"<sip:100@1.1.1.1>;tag=1\r\nt: <sip:a@b>\r\nCall-ID: 99\r\nUser-Agent: "
	    "friendly-scanner\r\n\r\n");
	is_app("sip");
	is(rec.sip->method, "OPTIONS");
	is(rec.sip->uri, "sip:100@192.0.2.1");
	is(rec.sip->to, "<sip:a@b>");
	is(rec.sip->call_id, "99");
	is(rec.sip->user_agent, "friendly-scanner");
	udp(5060, "SIP/2.0 200 OK\r\nf: <sip:a@b>\r\ni: 7\r\n\r\n");
	is_app("sip");
	is(rec.sip->method, "200");
	is(rec.sip->from, "<sip:a@b>");
	is(rec.sip->call_id, "7");
	udp(5060, "SIP/2.0 OK\r\n\r\n");
	is_absent(rec.app);
	udp(5060, "\r\n\r\nREGISTER sip:x SIP/2.0\r\n\r\n");
	is_app("sip");
	udp(5060, "OPTIONS sip:x SIP/2.0 more\r\n\r\n");
	is_absent(rec.app);
	udp(5060, "OPT1ONS sip:x SIP/2.0\r\n\r\n");
	is_absent(rec.app);
	udp(5060, "options sip:x SIP/2.0\r\n\r\n");
	is_absent(rec.app);
}

Test(rtsp, request)
{
	tcp(554, "DESCRIBE rtsp://1.2.3.4/live.sdp RTSP/1.0\r\nCSeq: 2\r\nUser-Agent: VLC\r\n\r\n");
	is_app("rtsp");
	is(rec.rtsp->method, "DESCRIBE");
	is(rec.rtsp->uri, "rtsp://1.2.3.4/live.sdp");
	is(rec.rtsp->user_agent, "VLC");
	cr_expect_eq(rec.rtsp->headers.n, 2);
}

Test(ssdp, search)
{
	udp(1900,
	    "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: "
	    "3\r\nST: ssdp:all\r\n\r\n");
	is_app("ssdp");
	is(rec.ssdp->method, "M-SEARCH");
	is(rec.ssdp->st, "ssdp:all");
	is(rec.ssdp->man, "\"ssdp:discover\"");
	cr_expect_eq(rec.ssdp->mx_s, 3);
	udp(1900, "NOTIFY * HTTP/1.1\r\nNT: upnp:rootdevice\r\n\r\n");
	is(rec.ssdp->st, "upnp:rootdevice");
	udp(1900, "OPTIONS * HTTP/1.1\r\n\r\n");
	is_app("http");
	udp(1900, "M-SEARCH /x HTTP/1.1\r\n\r\n");
	is_app("http");
}

Test(memcached, text)
{
	tcp(11211, "set key 0 900 5\r\nhello\r\nget key\r\n");
	is_app("memcached");
	is(rec.memcached->command, "set");
	is(rec.memcached->key, "key");
	cr_expect_eq(rec.memcached->count, 2);
	tcp(80, "stats\r\n");
	is_app("memcached");
	is_absent(rec.memcached->key);
	tcp(80, "version\r\n");
	is_absent(rec.app);
	tcp(11211, "version\r\n");
	is_app("memcached");
	tcp(11211, "mg key v\r\n");
	is_app("memcached");
	tcp(80, "mg key v\r\n");
	is_absent(rec.app);
	tcp(80, "set key 0\r\n");
	is_absent(rec.app);
	tcp(80, "set key 0 0 x\r\n");
	is_absent(rec.app);
	tcp(80, "set key 0 0 18446744073709551615\r\nx");
	is_app("memcached");
	tcp(80, "get /x\r\n");
	is_absent(rec.app);
	tcp(80, "get x");
	is_absent(rec.app);
	tcp(80, "hello\r\n");
	is_absent(rec.app);
}

Test(memcached, binary_and_udp)
{
	tcp_hex(11211,
		"80 00 0003 00 00 0000 00000003 00000000 0000000000000000 616263 80 10 0000 00 00 "
		"0000 00000000 00000000 0000000000000000");
	is_app("memcached");
	cr_expect(rec.memcached->binary);
	is(rec.memcached->command, "get");
	is(rec.memcached->key, "abc");
	cr_expect_eq(rec.memcached->count, 2);
	tcp_hex(11211, "80 77 0003 00 00 0000 00000003 00000000 0000000000000000 616263");
	is_absent(rec.app);
	tcp_hex(11211, "80 00 0004 00 00 0000 00000003 00000000 0000000000000000 616263");
	is_absent(rec.app);
	tcp_hex(11211, "80 00 0003 00 00 0000 000000ff 00000000 0000000000000000 616263");
	is_absent(rec.app);
	udp(9, "\0\1\0\0\0\1\0\0stats\r\n");
	is_app("memcached");
	udp(9, "\0\1\0\1\0\1\0\0stats\r\n");
	is_absent(rec.app);
	udp(9, "\0\1\0\0\0\1\0\0");
	is_absent(rec.app);
}

Test(smtp, session)
{
	tcp(25, "EHLO mail.example.com\r\nAUTH LOGIN\r\ndXNlcg==\r\ncGFzcw==\r\nMAIL "
		"FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
		"Subject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n");
	is_app("smtp");
	is(rec.login->user, "user");
	is(rec.login->password, "pass");
	cr_expect_eq(rec.smtp->count, 8);
	is(rec.smtp->lines.v[7], "QUIT");
	tcp(2525, "HELO x\r\nAUTH PLAIN AHVzZXIAcGFzcw==\r\n");
	is(rec.login->user, "user");
	is(rec.login->password, "pass");
	tcp(2525, "EHLO x\r\nAUTH LOGIN dXNlcg==\r\ncGFzcw==\r\n");
	is(rec.login->user, "user");
	tcp(2525, "EHLO x\r\nAUTH PLAIN !\r\nAUTH PLAIN AHVz\r\nAUTH LOGIN\r\n");
	cr_expect_null(rec.login);
	tcp(25, "EHLO\r\n");
	is_app("smtp");
	tcp(80, "EHLO\r\n");
	is_app("smtp");
	tcp(80, "HELO\r\n");
	is_absent(rec.app);
	tcp(25, "RSET\r\n");
	is_app("smtp");
	tcp(80, "RSET\r\n");
	is_absent(rec.app);
	tcp(80, "RSET\r\nHELO x\r\n");
	is_app("smtp");
	tcp(80, "MAIL FROM:<x>\r\n");
	is_app("smtp");
	tcp(80, "EHLO x");
	is_absent(rec.app);
}

Test(imap, login)
{
	tcp(143, "a001 LOGIN user pass word\r\n");
	is_app("imap");
	is(rec.login->user, "user");
	is(rec.login->password, "pass word");
	tcp(143, "1 CAPABILITY\r\n");
	is_app("imap");
	cr_expect_null(rec.login);
	tcp(143, "PLEASE LOGIN\r\n");
	is_absent(rec.app);
	tcp(143, "a001 HELP\r\n");
	is_absent(rec.app);
}

Test(ftp, session)
{
	tcp(9999, "USER anonymous\r\nPASS a@b\r\nSYST\r\n");
	is_app("ftp");
	is(rec.login->user, "anonymous");
	is(rec.login->password, "a@b");
	cr_expect_eq(rec.ftp->count, 3);
	tcp(9999, "USER anonymous\r\n");
	is_app("ftp");
	is(rec.login->user, "anonymous");
	tcp(9999, "AUTH TLS\r\n");
	is_app("ftp");
	tcp(9999, "AUTH FOO\r\n");
	is_absent(rec.app);
	tcp(21, "FEAT\r\n");
	is_app("ftp");
	tcp(9999, "FEAT\r\n");
	is_absent(rec.app);
	tcp(9999, "FEAT\r\nUSER x\r\n");
	is_app("ftp");
	tcp(9999, "USER a 0 * :x\r\n");
	is_absent(rec.app);
	see_full(&(struct app_in){.proto = APP_TCP,
				  .dst_port = 9,
				  .init = bytes_str("SYST\r\n"),
				  .resp = bytes_str("220 hello\r\n")});
	is_app("ftp");
}

Test(pop3, session)
{
	tcp(110, "USER x\r\nPASS y\r\n");
	is_app("pop3");
	is(rec.login->password, "y");
	tcp(9999, "USER x\r\nPASS y\r\nSTAT\r\n");
	is_app("pop3");
	see_full(&(struct app_in){.proto = APP_TCP,
				  .dst_port = 9,
				  .init = bytes_str("USER x\r\n"),
				  .resp = bytes_str("+OK ready\r\n")});
	is_app("pop3");
	tcp(9999, "CAPA\r\n");
	is_app("pop3");
	tcp(110, "HELLO\r\n");
	is_absent(rec.app);
}

Test(magic, names)
{
	tcp(5900, "RFB 003.008\n");
	is_app("vnc");
	tcp(1, "\x13"
	       "BitTorrent protocol\0\0\0\0");
	is_app("bittorrent");
	tcp(1099, "JRMI\0\2K");
	is_app("java-rmi");
	tcp(7001, "t3 12.2.1\nAS:255\n");
	is_app("weblogic-t3");
	tcp_hex(8009, "1234 0001 0a");
	is_app("ajp");
	tcp_hex(8009, "1234 0001 0b");
	is_absent(rec.app);
	tcp_hex(8009, "1234 0101 0a");
	is_absent(rec.app);
	tcp(2181, "ruok");
	is_app("zookeeper");
	tcp(2181, "stat\r\n");
	is_app("zookeeper");
	tcp(6667, "NICK x\r\nUSER x 0 * :x\r\n");
	is_app("irc");
	tcp(6667, "NICK x");
	is_absent(rec.app);
	tcp_hex(27017, "3a000000 01000000 00000000 d4070000 00000000 61");
	is_app("mongodb");
	tcp_hex(27017, "3a000000 01000000 01000000 d4070000 00000000 61");
	is_absent(rec.app);
	udp(69, "\0\1config\0octet\0");
	is_app("tftp");
	udp(69, "\0\1config\0oktet\0");
	is_absent(rec.app);
	udp(69, "\0\1\0\0\0\0octet\0");
	is_absent(rec.app);
	udp_hex(3478, "0001 0000 2112a442 000000000000000000000000");
	is_app("stun");
	tcp_hex(20000, "0564 05 c0 0100 0a00 cccc 0564");
	is_app("dnp3");
	tcp_hex(20000, "0564 08 c0 0100 0a00 cccc c0c001 dddd");
	is_app("dnp3");
	tcp_hex(20000, "0564 08 40 0100 0a00 cccc c0c001 dddd");
	is_absent(rec.app);
	tcp(5672, "AMQP\0\0\x09\x01");
	is_app("amqp");
	tcp_hex(1723, "009c 0001 1a2b3c4d 0001");
	is_app("pptp");
	tcp_hex(44818, "65000400 00000000 00000000 0000000000000000 00000000 01000000");
	is_app("enip");
	tcp_hex(135, "05000b03 10000000 1000 0000 01000000");
	is_app("dcerpc");
	tcp_hex(135, "05000b03 10000000 1100 0000 01000000");
	is_absent(rec.app);
	tcp_hex(1521, "001a 0000 01 00 0000 0139 012c 0000 0800 7fff 86 0e 0000 0100 0000");
	is_app("oracle-tns");
	udp_hex(88, "6a09 3007 a103 020105 a200");
	is_app("kerberos");
	tcp_hex(88, "0000000b 6c09 3007 a103 020105 a200");
	is_app("kerberos");
	udp_hex(88, "6a09 3007 a103 020104 a200");
	is_absent(rec.app);
	udp_hex(88, "6b09 3007 a103 020105 a200");
	is_absent(rec.app);
	tcp_hex(88, "0000000c 6c09 3007 a103 020105 a200");
	is_absent(rec.app);
	udp_hex(1812, "01 07 001a 00112233445566778899aabbccddeeff 01 06 61626364");
	is_app("radius");
	udp_hex(1812, "01 07 001a 00112233445566778899aabbccddeeff 01 07 61626364");
	is_absent(rec.app);
	udp_hex(1812, "01 07 001a 00112233445566778899aabbccddeeff 01 01 61626364");
	is_absent(rec.app);
	udp_hex(1812, "02 07 001a 00112233445566778899aabbccddeeff 01 06 61626364");
	is_absent(rec.app);
	udp_hex(47808, "810a 0008 0100 1008");
	is_app("bacnet");
	udp_hex(47808, "810a 0009 0100 1008");
	is_absent(rec.app);
	static uint8_t quic[1200] = {0xc3, 0, 0, 0, 1};
	see_bytes(APP_UDP, 443, quic, sizeof quic);
	is_app("quic");
	see_bytes(APP_UDP, 443, quic, sizeof quic - 1);
	is_absent(rec.app);
	see_full(&(struct app_in){.proto = 1, .init = bytes_str("RFB 003.008\n")});
	is_absent(rec.app);
	is(rec.first_bytes, "524642203030332e");
}

Test(magic, answers)
{
	tcp(9999, "HTTP/1.1 200 OK\r\n\r\n");
	is_app("http");
	cr_expect_null(rec.http);
	tcp(9999, "HTTP/1.1 2000 OK\r\n\r\n");
	is_absent(rec.app);
	tcp(9999, "HTTP/1.x 200 OK\r\n\r\n");
	is_absent(rec.app);
	tcp_hex(9999, "1703030003 112233");
	is_app("tls");
	cr_expect_null(rec.tls);
	tcp_hex(9999, "1703030003 112233 16030100");
	is_app("tls");
	tcp_hex(9999, "1703030003 112233 1603010004 00");
	is_app("tls");
	tcp_hex(9999, "1703030003 112233 99");
	is_absent(rec.app);
	tcp_hex(9999, "1703030003 1122");
	is_absent(rec.app);
	tcp_hex(9999, "1703030000");
	is_absent(rec.app);
	tcp_hex(9999, "1703050001 11");
	is_absent(rec.app);
	tcp_hex(9999, "170303");
	is_absent(rec.app);
}

/* Of several datagrams the first one is looked at. */
Test(app, first_datagram)
{
	size_t n;
	const uint8_t *p = unhex(
		"0006 0100 0001 0000 0000 0000 07 76657273696f6e 04 62696e64 00 0010 0003 ffff",
		&n);
	see_full(&(struct app_in){
		.proto = APP_UDP, .dst_port = 53, .init = bytes_of(p, n), .datagram = n - 2});
	is_app("dns");
	see_full(&(struct app_in){.proto = APP_UDP, .dst_port = 53, .init = bytes_of(p, n)});
	is_absent(rec.app);
	is(rec.first_bytes, "0006010000010000");
	see_full(&(struct app_in){
		.proto = APP_UDP, .dst_port = 53, .init = bytes_of(p, n - 2), .datagram = n});
	is_app("dns");
}

/* With no memory the name is all there is. */
Test(app, small_arena)
{
	static _Alignas(16) uint8_t memory[4096];
	struct bytes http =
		bytes_str("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YTpi\r\n\r\n");
	for (size_t n = 0; n <= sizeof memory; n += 16) {
		struct msg_arena a = {memory, n, 0};
		struct msg_analysis r = {0};
		app_recognise(&(struct app_in){.proto = APP_TCP, .init = http}, &a, &r);
		cr_expect(bytes_eq(r.app, bytes_str("http")));
		cr_expect_leq(a.used, n);
	}
}

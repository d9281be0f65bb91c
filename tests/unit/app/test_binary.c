/* Protocols of bytes: SMB, RDP, S7, ADB, MQTT, SOCKS, DNS, Modbus, NTP, Bitcoin. */
#include "app_support.h"

#define SMB1_HEADER "ff534d42 72 00000000 18 0128 0000 0000000000000000 0000 0000 0000 0000 0000"

Test(smb, v1_negotiate)
{
	tcp_hex(445,
		"00000050" SMB1_HEADER
		"00 2d0002 4c414e4d414e312e30 00 02 4e54204c4d20302e3132 00 02 534d4220322e303032 "
		"00 02 534d4220322e3f3f3f 00");
	is_app("smb");
	is(rec.smb->version, "2");
	is(rec.smb->command, "negotiate");
	cr_assert_eq(rec.smb->dialects.n, 4);
	is(rec.smb->dialects.v[1], "NT LM 0.12");
	tcp_hex(445, "0000002f" SMB1_HEADER "00 0c00 02 4e54204c4d20302e3132 00");
	is(rec.smb->version, "1");
	cr_expect_eq(rec.smb->dialects.n, 1);
	tcp_hex(445, "0000002f" SMB1_HEADER "00 0c00 02 4e54204c4d20302e3132");
	cr_expect_eq(rec.smb->dialects.n, 0);
}

Test(smb, other_commands)
{
	tcp_hex(445,
		"00000023 ff534d42 73 00000000 18 0128 0000 0000000000000000 0000 0000 0000 0000 "
		"0000 00 0000");
	is(rec.smb->command, "session_setup");
	tcp_hex(445,
		"00000023 ff534d42 99 00000000 18 0128 0000 0000000000000000 0000 0000 0000 0000 "
		"0000 00 0000");
	is(rec.smb->command, "0x99");
	tcp_hex(445, "00000023 ff534d42 99 00000000");
	is_absent(rec.app);
	tcp_hex(445,
		"00000023 fd534d42 99 00000000 18 0128 0000 0000000000000000 0000 0000 0000 0000 "
		"0000 00 0000");
	is_absent(rec.app);
}

#define SMB2_HEADER "fe534d42 4000 0000 00000000"
#define SMB2_REST                                                                     \
	"0100 00000000 00000000 0000000000000000 0000fefe 00000000 0000000000000000 " \
	"00000000000000000000000000000000"

Test(smb, v2_negotiate)
{
	tcp_hex(445, "0000006e" SMB2_HEADER "0000" SMB2_REST
		     "2400 0500 0100 0000 7f000000 00112233445566778899aabbccddeeff "
		     "00000000000000000202 1002 0003 0203 1103");
	is_app("smb");
	is(rec.smb->version, "3");
	is(rec.smb->command, "negotiate");
	cr_assert_eq(rec.smb->dialects.n, 5);
	is(rec.smb->dialects.v[0], "2.0.2");
	is(rec.smb->dialects.v[4], "3.1.1");
	tcp_hex(445,
		"00000068" SMB2_HEADER "0000" SMB2_REST
		"2400 0200 0100 0000 7f000000 00112233445566778899aabbccddeeff 0000000000000000 "
		"ff02 7777");
	is(rec.smb->version, "2");
	is(rec.smb->dialects.v[0], "2.???");
	is(rec.smb->dialects.v[1], "0x7777");
	tcp_hex(445, "00000040" SMB2_HEADER "0300" SMB2_REST);
	is(rec.smb->command, "tree_connect");
	tcp_hex(445, "00000040" SMB2_HEADER "7700" SMB2_REST);
	is(rec.smb->command, "0x77");
	tcp_hex(445, "00000040 fe534d42 4100 0000 00000000 0000" SMB2_REST);
	is_absent(rec.app);
}

Test(smb, netbios_session_request_first)
{
	tcp_hex(139, "81000004 41424344 0000002f" SMB1_HEADER "00 0c00 02 4e54204c4d20302e3132 00");
	is_app("smb");
}

Test(rdp, cookie_and_protocols)
{
	tcp_hex(3389,
		"0300002b 26e00000000000 436f6f6b69653a206d737473686173683d61646d696e0d0a 0100 "
		"0800 0b000000");
	is_app("rdp");
	is(rec.rdp->cookie, "admin");
	cr_assert_eq(rec.rdp->protocols.n, 3);
	is(rec.rdp->protocols.v[0], "tls");
	is(rec.rdp->protocols.v[1], "credssp");
	is(rec.rdp->protocols.v[2], "credssp_ex");
	tcp_hex(3389, "03000013 0ee00000000000 0100 0800 00000000");
	is(rec.rdp->protocols.v[0], "rdp");
	is_absent(rec.rdp->cookie);
	tcp_hex(3389, "0300000b 06e00000000000");
	is_app("rdp");
	tcp_hex(102, "0300000b 06e00000000000");
	is_absent(rec.app);
	tcp_hex(3389,
		"0300002e 29e00000000000 436f6f6b69653a206d7374733d333634302e31353632392e300d0a "
		"0100 0800 00000000");
	is(rec.rdp->cookie, "3640.15629.0");
	tcp_hex(3389, "0300001d 18e00000000000 436f6f6b69653a20746f6b656e0d0a 010008");
	is_absent(rec.app);
	tcp_hex(3389, "03000017 12e00000000000 436f6f6b69653a20746f6b65 ");
	is_app("rdp");
	is(rec.rdp->cookie, "toke");
	tcp_hex(3389, "03000017 12e00000000000 4372756d62733a20746f6b65 ");
	is_absent(rec.app);
}

Test(s7, connect_and_data)
{
	tcp_hex(102, "03000016 11e00000001400 c1020100 c2020102 c0010a");
	is_app("s7");
	is(rec.s7->kind, "connect");
	is(rec.s7->src_tsap, "0100");
	is(rec.s7->dst_tsap, "0102");
	tcp_hex(102, "03000019 02f080 32 01 0000 0000 0008 0000 f0 00 0001 0001 01e0");
	is(rec.s7->kind, "data");
	cr_expect_eq(rec.s7->function, 0xf0);
	tcp_hex(102, "03000019 02f080 33 01 0000 0000 0008 0000 f0 00 0001 0001 01e0");
	is_absent(rec.app);
	tcp_hex(102, "03000019 02f080 32 09 0000 0000 0008 0000 f0 00 0001 0001 01e0");
	is_absent(rec.app);
	tcp_hex(102, "03000016 11e00000001400 d1020100 c2020102 c0010a");
	is_absent(rec.app);
	tcp_hex(102, "03000016 11d00000001400 c1020100 c2020102 c0010a");
	is_absent(rec.app);
	tcp_hex(102, "0300000e 09e00000001400 c0010a");
	is_absent(rec.app);
}

Test(adb, connect_and_open)
{
	tcp_hex(5555,
		"434e584e 00000001 00001000 07000000 32020000 bcb1a7b1 686f73743a3a004f50454e "
		"02000000 00000000 0a000000 00000000 b0afbab1 7368656c6c3a6c73000057525445 "
		"02000000 00000000 ff000000 00000000 a8adabba 6375740000");
	is_app("adb");
	cr_expect_eq(rec.adb->version, 0x01000000);
	cr_expect_eq(rec.adb->max_data, 0x00100000);
	is(rec.adb->banner, "host::");
	cr_assert_eq(rec.adb->services.n, 1);
	is(rec.adb->services.v[0], "shell:ls");
	cr_assert_eq(rec.adb->commands.n, 3);
	is(rec.adb->commands.v[2], "WRTE");
	tcp_hex(5555, "434e584e 00000001 00001000 07000000 32020000 bcb1a7b2 686f73743a3a00");
	is_absent(rec.app);
	tcp_hex(5555, "434e584e 00000001");
	is_absent(rec.app);
}

Test(mqtt, connect)
{
	tcp_hex(1883,
		"101d 0004 4d515454 04 c2 003c 0002 6964 0005 61646d696e 0006 736563726574 8208 "
		"0001 0003 612f23 00 3005 0003 742f78");
	is_app("mqtt");
	is(rec.mqtt->version, "3.1.1");
	is(rec.mqtt->client_id, "id");
	cr_expect_eq(rec.mqtt->keep_alive_s, 60);
	is(rec.login->user, "admin");
	is(rec.login->password, "secret");
	cr_assert_eq(rec.mqtt->topics.n, 2);
	is(rec.mqtt->topics.v[0], "a/#");
	is(rec.mqtt->topics.v[1], "t/x");
	tcp_hex(1883,
		"1024 0004 4d515454 05 06 003c 05 110000000a 0002 6964 02 0100 0003 772f74 0002 "
		"6d67 ff 8209 0001 00 0003 612f23 00");
	is(rec.mqtt->version, "5");
	is(rec.mqtt->will_topic, "w/t");
	tcp_hex(1883, "1014 0006 4d5149736470 03 02 003c 0006 616263646566");
	is(rec.mqtt->version, "3.1");
	tcp_hex(1883, "1020 0004 4d515454 04 02 003c 0006 6162");
	is_app("mqtt");
	tcp_hex(1883, "1020 0004 4d515455 04 02 003c 0006 6162");
	is_absent(rec.app);
	tcp_hex(1883, "10ffffffff01 0004 4d515454 04 02 003c 0006 6162");
	is_absent(rec.app);
	tcp_hex(1883, "1020 0004 4d515454 03 02 003c 0006 6162");
	is_absent(rec.app);
}

Test(socks, v4)
{
	tcp_hex(1080, "04 01 0050 01020304 00");
	is_app("socks");
	is(rec.socks->version, "4");
	is(rec.socks->command, "connect");
	is(rec.socks->host, "1.2.3.4");
	cr_expect_eq(rec.socks->port, 80);
	tcp_hex(1080, "04 02 0050 00000001 6d6500 6578616d706c652e636f6d00");
	is(rec.socks->version, "4a");
	is(rec.socks->command, "bind");
	is(rec.socks->user, "me");
	is(rec.socks->host, "example.com");
	tcp_hex(1080, "04 03 0050 01020304 00");
	is_absent(rec.app);
	tcp_hex(1080, "04 01 0000 01020304 00");
	is_absent(rec.app);
	tcp_hex(1080, "04 01 0050 01020304 41");
	is_absent(rec.app);
	tcp_hex(1080, "04 01 0050 01020304 00 01");
	is_absent(rec.app);
	tcp_hex(1080, "04 01 0050 00000001 00 00");
	is_absent(rec.app);
}

Test(socks, v5)
{
	tcp_hex(1080, "05 02 00 02");
	is_app("socks");
	is(rec.socks->version, "5");
	cr_assert_eq(rec.socks->methods.n, 2);
	cr_expect_eq(rec.socks->methods.v[1], 2);
	tcp_hex(1080, "05 01 02 01 04 75736572 04 70617373");
	is(rec.login->user, "user");
	is(rec.login->password, "pass");
	tcp_hex(1080,
		"05 01 02 01 04 75736572 04 70617373 05 01 00 03 0b 6578616d706c652e636f6d 01bb");
	is(rec.socks->host, "example.com");
	cr_expect_eq(rec.socks->port, 443);
	tcp_hex(1080, "05 01 00 05 03 00 01 7f000001 0050 474554");
	is(rec.socks->host, "127.0.0.1");
	is(rec.socks->command, "udp");
	tcp_hex(1080, "05 01 00 05 f0 00 04 20010db8000000000000000000000001 0050");
	is(rec.socks->host, "2001:db8:0:0:0:0:0:1");
	is(rec.socks->command, "resolve");
	tcp_hex(1080, "05 01 20");
	is_absent(rec.app);
	tcp_hex(1080, "05 02 00 00");
	is_absent(rec.app);
	tcp_hex(1080, "05 00");
	is_absent(rec.app);
	tcp_hex(1080, "05 01 00 99");
	is_absent(rec.app);
	tcp_hex(1080, "05 01 02 01 00 04 70617373");
	is_absent(rec.app);
	tcp_hex(1080, "05 01 00 05 09 00 01 7f000001 0050");
	is_absent(rec.app);
	tcp_hex(1080, "05 01 02 01 04 75736572 04 70617373 05 01 00 09 0b");
	is_absent(rec.app);
	cr_expect_null(rec.login, "a refused claim leaves nothing behind");
}

#define QNAME "03777777 07 6578616d706c65 03636f6d 00"

Test(dns, query)
{
	udp_hex(53, "1234 0100 0001 0000 0000 0001" QNAME "00ff 0001 00 0029 1000 00000000 0000");
	is_app("dns");
	is(rec.dns->name, "www.example.com");
	is(rec.dns->type, "ANY");
	is_absent(rec.dns->class);
	cr_expect(rec.dns->recursion);
	cr_expect_not(rec.dns->response);
	cr_expect_eq(rec.dns->edns_bytes, 4096);
	udp_hex(53, "0006 0100 0001 0000 0000 0000 07 76657273696f6e 04 62696e64 00 0010 0003");
	is(rec.dns->name, "version.bind");
	is(rec.dns->type, "TXT");
	is(rec.dns->class, "CH");
	tcp_hex(53,
		"001e 0006 0100 0001 0000 0000 0000 07 76657273696f6e 04 62696e64 00 0010 0003");
	is_app("dns");
	udp_hex(53, "0000 1000 0000 0000 0000 0000");
	is_app("dns");
	cr_expect_eq(rec.dns->opcode, 2);
	udp_hex(5353, "0000 0000 0002 0000 0000 0000" QNAME "000c 8001 c00c 0fff 00ff");
	is(rec.dns->type, "PTR");
	cr_expect_eq(rec.dns->questions, 2);
	udp_hex(53, "0000 0000 0001 0000 0000 0000 00 0002 0004");
	is(rec.dns->name, ".");
	is(rec.dns->class, "HS");
	udp_hex(53, "0000 0000 0001 0000 0000 0000 00 0333 00fe");
	is(rec.dns->type, "TYPE819");
	is(rec.dns->class, "CLASS254");
	udp_hex(137, "0000 0010 0001 0000 0000 0000 20 "
		     "434b4141414141414141414141414141414141414141414141414141414141 00 0021 0001");
	is_absent(rec.app); /* one byte short */
	udp_hex(137,
		"0000 0010 0001 0000 0000 0000 20 "
		"434b414141414141414141414141414141414141414141414141414141414141 00 0021 0001");
	is(rec.dns->type, "NBSTAT");
	udp_hex(53, "1234 8180 0001 0001 0000 0000" QNAME
		    "0001 00ff c00c 0001 0001 00000001 0004 01020304");
	cr_expect(rec.dns->response);
	is(rec.dns->class, "ANY");
}

Test(dns, is_not)
{
	udp_hex(53, "1234 0140 0001 0000 0000 0000" QNAME "0001 0001"); /* reserved bit */
	is_absent(rec.app);
	udp_hex(53, "1234 3800 0001 0000 0000 0000" QNAME "0001 0001"); /* opcode 7 */
	is_absent(rec.app);
	udp_hex(53, "1234 0100 0001 0000 0000 0000" QNAME "0001 0001 00"); /* a byte left over */
	is_absent(rec.app);
	udp_hex(53, "1234 0100 0001 0000 0000 0000" QNAME "0001 0009"); /* class */
	is_absent(rec.app);
	udp_hex(53, "1234 0100 0001 0000 0000 0000 c0ff 0001 0001"); /* a pointer forwards */
	is_absent(rec.app);
	udp_hex(53,
		"1234 0100 0001 0000 0000 0000 40 41 00 0001 0001"); /* a label of another kind */
	is_absent(rec.app);
	udp_hex(53, "1234 0100 0041 0000 0000 0000" QNAME "0001 0001"); /* too many */
	is_absent(rec.app);
	udp_hex(53, "1234 0100 0000 0000 0000 0000");
	is_absent(rec.app);
	udp_hex(53, "1234 8180 0001 0001 0000 0000" QNAME
		    "0001 0001 c00c 0001 0007 00000001 0004 01020304");
	is_absent(rec.app);
	udp_hex(53, "1234 8180 0001 0001 0000 0000" QNAME
		    "0001 0001 c00c 0001 0001 00000001 0104 01020304");
	is_absent(rec.app);
	tcp_hex(53,
		"00ff 0006 0100 0001 0000 0000 0000 07 76657273696f6e 04 62696e64 00 0010 0003");
	is_absent(rec.app);
}

Test(dns, long_name)
{
	static uint8_t p[600] = {0x12, 0x34, 1, 0, 0, 1};
	size_t n = 12;
	for (int i = 0; i < 5; i++) { /* 5 × 64 > 255 */
		p[n++] = 63;
		memset(p + n, 'a', 63);
		n += 63;
	}
	memcpy(p + n, "\0\0\1\0\1", 5);
	see_bytes(APP_UDP, 53, p, n + 5);
	is_absent(rec.app);
}

Test(modbus, requests)
{
	tcp_hex(502, "0001 0000 0006 01 03 0000 000a");
	is_app("modbus");
	cr_expect_eq(rec.modbus->unit, 1);
	cr_expect_eq(rec.modbus->function, 3);
	cr_expect_eq(rec.modbus->quantity, 10);
	tcp_hex(502, "0000 0000 0005 00 2b 0e 01 00");
	cr_expect_eq(rec.modbus->function, 43);
	tcp_hex(502, "0000 0000 0002 00 11");
	cr_expect_eq(rec.modbus->function, 17);
	tcp_hex(80, "0000 0000 0002 00 11");
	is_absent(rec.app);
	tcp_hex(502, "0001 0000 0006 01 03 0000 000a 0001 0000 0006 01 03 0000 000a");
	is_app("modbus");
	tcp_hex(502, "0001 0000 0006 01 03 0000 000a 00");
	is_absent(rec.app);
	tcp_hex(502, "0001 0000 0006 01 63 0000 000a");
	is_absent(rec.app);
	tcp_hex(502, "0001 0000 0007 01 03 0000 000a 00");
	is_absent(rec.app);
	tcp_hex(502, "0001 0000 0006 01 10 0000 000a");
	is_absent(rec.app);
	tcp_hex(502, "0001 0000 0008 01 16 0000 000a 0000");
	is_app("modbus");
	tcp_hex(502, "0001 0000 0004 01 18 0000");
	is_app("modbus");
}

Test(ntp, modes)
{
	udp_hex(123, "e3000004 00000000 00000000 00000000 0000000000000000 0000000000000000 "
		     "0000000000000000 c54f234b71b152f3");
	is_app("ntp");
	cr_expect_eq(rec.ntp->version, 4);
	cr_expect_eq(rec.ntp->mode, 3);
	udp_hex(9, "e3000004 00000000 00000000 00000000 0000000000000000 0000000000000000 "
		   "0000000000000000 c54f234b71b152f3");
	is_app("ntp");
	udp_hex(9, "e3000004 00000000 00010000 00000000 0000000000000000 0000000000000001 "
		   "0000000000000000 c54f234b71b152f3");
	is_absent(rec.app);
	udp_hex(123, "e3000004 01000000 00000000 00000000 0000000000000000 0000000000000000 "
		     "0000000000000000 c54f234b71b152f3");
	is_absent(rec.app);
	udp_hex(9, "1700032a 00000000");
	cr_expect_eq(rec.ntp->request, 42);
	udp_hex(9, "17000029 00000000");
	is_absent(rec.app);
	udp_hex(123, "17000029 00000000");
	is_app("ntp");
	udp_hex(9, "1602 0001 0000 0000 0000 0000");
	cr_expect_eq(rec.ntp->mode, 6);
	cr_expect_eq(rec.ntp->request, 2);
	udp_hex(9, "1600 0001 0000 0000 0000 0000");
	is_absent(rec.app);
	udp_hex(123, "0300");
	is_absent(rec.app);
	udp_hex(123, "1b00");
	is_absent(rec.app);
}

Test(bitcoin, version)
{
	tcp_hex(8333,
		"f9beb4d9 76657273696f6e0000000000 56000000 00000000 7f110100 0000000000000000 "
		"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 0000000000000000 05 2f783a312f 00000000 00");
	is_app("bitcoin");
	is(rec.bitcoin->network, "main");
	is(rec.bitcoin->command, "version");
	cr_expect_eq(rec.bitcoin->version, 70015);
	is(rec.bitcoin->user_agent, "/x:1/");
	tcp_hex(8333, "fabfb5da 766572616b0000000000000000 000000 00000000");
	is(rec.bitcoin->network, "regtest");
	tcp_hex(8333, "f9beb4d8 766572616b0000000000000000 000000 00000000");
	is_absent(rec.app);
	tcp_hex(8333, "f9beb4d9 006572616b0000000000000000 000000 00000000");
	is_absent(rec.app);
}

/* Protocols of bytes that carry queries: TDS, LDAP, SNMP, PostgreSQL, MySQL. */
#include "app_support.h"

Test(tds, prelogin)
{
	tcp_hex(1433,
		"12 01 002f 0000 01 00 00 001a 0006 01 0020 0001 02 0021 0001 03 0022 0004 04 0026 "
		"0001 ff0f 00 07d0 0000 00 00 00000000 00");
	is_app("tds");
	is(rec.tds->kind, "prelogin");
	is(rec.tds->client_version, "15.0.2000");
	tcp_hex(1433,
		"12 01 002f 0000 01 00 00 001a 0006 01 0020 0001 02 0021 0001 03 0022 0004 04 0026 "
		"0001 fe0f 00 07d0 0000 00 00 00000000 00");
	is_absent(rec.app);
	tcp_hex(1433, "12 01 000e 0000 01 00 00 0006 0600 ff");
	is_absent(rec.app);
}

static uint8_t login7[256];

/* A LOGIN7 packet with host "h", user "sa", password "P1", program "p", database "m". */
static size_t build_login7(void)
{
	static const char *const fields[] = {"h", "sa", "P1", "p", "", "", "", "", "m"};
	size_t at = 94, n = 8 + 94;
	memset(login7, 0, sizeof login7);
	for (int i = 0; i < 9; i++) {
		size_t k = strlen(fields[i]);
		login7[8 + 36 + 4 * i] = (uint8_t)at;
		login7[8 + 38 + 4 * i] = (uint8_t)k;
		for (size_t j = 0; j < k; j++) {
			uint8_t c = (uint8_t)fields[i][j], hi = 0;
			if (i == 2) {
				c = (uint8_t)((c << 4 | c >> 4) ^ 0xa5);
				hi = 0xa5;
			}
			login7[n++] = c;
			login7[n++] = hi;
			at += 2;
		}
	}
	memcpy(login7, "\x10\x01\x00\x00\x00\x00\x01\x00", 8);
	login7[3] = (uint8_t)n;
	login7[8] = (uint8_t)(n - 8);
	login7[8 + 7] = 0x74;
	return n;
}

Test(tds, login7)
{
	size_t n = build_login7();
	see_bytes(APP_TCP, 1433, login7, n);
	is_app("tds");
	is(rec.tds->kind, "login7");
	is(rec.tds->host, "h");
	is(rec.tds->program, "p");
	is(rec.tds->database, "m");
	is(rec.login->user, "sa");
	is(rec.login->password, "P1");
	see_prefixes(APP_TCP, 1433, login7, n);
	login7[8 + 7] = 0x20;
	see_bytes(APP_TCP, 1433, login7, n);
	is_absent(rec.app);
	cr_expect_null(rec.login);
}

Test(tds, batch)
{
	tcp_hex(1433, "01 01 000a 0000 01 00 7300");
	is(rec.tds->kind, "batch");
	tcp_hex(80, "01 01 000a 0000 01 00 7300");
	is_absent(rec.app);
}

Test(ldap, operations)
{
	tcp_hex(389, "3014 020101 600f 020103 0404 636e3d61 8004 70617373");
	is_app("ldap");
	is(rec.ldap->operation, "bind");
	is(rec.ldap->dn, "cn=a");
	cr_expect_eq(rec.ldap->version, 3);
	is(rec.login->user, "cn=a");
	is(rec.login->password, "pass");
	tcp_hex(389, "3084 0000000c 020101 6007 020103 0400 8000");
	is(rec.ldap->operation, "bind");
	cr_expect_null(rec.login);
	tcp_hex(389, "3025 020102 6320 0400 0a0100 0a0100 020100 020100 010100 870b "
		     "6f626a656374436c617373 3000");
	is(rec.ldap->operation, "search");
	tcp_hex(389, "300c 020101 7707 8005 312e322e33");
	is(rec.ldap->operation, "extended");
	is(rec.ldap->dn, "1.2.3");
	tcp_hex(389, "3005 020101 4200");
	is(rec.ldap->operation, "unbind");
	tcp_hex(389, "3008 020101 4a03 613d62");
	is(rec.ldap->operation, "delete");
	tcp_hex(389, "3006 020101 500101");
	is(rec.ldap->operation, "abandon");
	tcp_hex(389, "300a 020101 6605 0403 613d62");
	is(rec.ldap->operation, "modify");
}

Test(ldap, is_not)
{
	tcp_hex(389, "3005 020101 7800");
	is_absent(rec.app);
	tcp_hex(389, "3014 020101 600f 020113 0404 636e3d61 8004 70617373");
	is_absent(rec.app);
	tcp_hex(389, "3014 020101 630f 0404 636e3d61 0a0107 04 70617373");
	is_absent(rec.app);
	tcp_hex(389, "3007 020101 42020000");
	is_absent(rec.app);
	tcp_hex(389, "3005 020101 5000");
	is_absent(rec.app);
	tcp_hex(389, "3007 020101 66020500");
	is_absent(rec.app);
	tcp_hex(389, "3007 020101 77020500");
	is_absent(rec.app);
	tcp_hex(389, "3007 020101 63020500");
	is_absent(rec.app);
	tcp_hex(389, "3080 020101 4200");
	is_absent(rec.app);
}

Test(snmp, versions)
{
	udp_hex(161, "3026 020100 0406 7075626c6963 a019 02043f2f2d71 020100 020100 300b 3009 0605 "
		     "2b06010201 0500");
	is_app("snmp");
	is(rec.snmp->version, "1");
	is(rec.snmp->community, "public");
	is(rec.snmp->pdu, "get");
	is(rec.snmp->oid, "1.3.6.1.2.1");
	udp_hex(161, "3028 020101 0406 7075626c6963 a51b 02043f2f2d71 020100 02017f 300d 300b 0607 "
		     "883781490a8100 0500");
	is(rec.snmp->version, "2c");
	is(rec.snmp->pdu, "getbulk");
	is(rec.snmp->oid, "2.999.201.10.128");
	udp_hex(161,
		"303a 020103 300f 02024a69 0203 00ffe3 040104 020103 0410 300e 0400 020100 020100 "
		"0400 0400 04003012 0400 0400 a00c 020237f0 020100 020100 3000");
	is(rec.snmp->version, "3");
	udp_hex(161, "300a 020100 0401 61 a402 0500");
	is(rec.snmp->pdu, "trap");
	udp_hex(161, "300a 020102 0401 61 a402 0500");
	is_absent(rec.app);
	udp_hex(161, "300a 020100 0501 61 a402 0500");
	is_absent(rec.app);
	udp_hex(161, "300a 020100 0401 61 b402 0500");
	is_absent(rec.app);
	udp_hex(161, "300a 020100 0401 61 a002 0500");
	is_absent(rec.app);
	udp_hex(161, "3006 020103 040161");
	is_absent(rec.app);
	udp_hex(161, "3008 020103 3003 040161");
	is_absent(rec.app);
}

Test(postgres, packets)
{
	tcp_hex(5432, "00000008 04d2162f");
	is_app("postgres");
	is(rec.postgres->kind, "ssl");
	tcp_hex(5432, "00000008 04d21630");
	is(rec.postgres->kind, "gss");
	tcp_hex(5432, "00000010 04d2162e 00000001 00000002");
	is(rec.postgres->kind, "cancel");
	tcp(5432,
	    "\0\0\0\x36\0\x03\0\0user\0postgres\0database\0db\0application_name\0x\0\0p\0\0\0\x08psw\0");
	is(rec.postgres->kind, "startup");
	is(rec.postgres->database, "db");
	is(rec.postgres->program, "x");
	is(rec.login->user, "postgres");
	is(rec.login->password, "psw");
	tcp(5432, "\0\0\0\x17\0\x03\0\0user\0postgres\0\0p\0\0\0\x0bmd5abc\0");
	is(rec.login->user, "postgres");
	is_absent(rec.login->password);
	is(rec.login->method, "md5");
	tcp(5432, "\0\0\0\x17\0\x03\0\0user\0postgres\0\0");
	is(rec.login->method, "startup");
	tcp(5432, "\0\0\0\x17\0\x03\0\0uzer\0postgres\0\0");
	is_absent(rec.app);
	tcp(5432, "\0\0\0\x17\0\x03\0\0user\0postgres!!");
	is_absent(rec.app);
	tcp(5432, "\0\0\0\x17\0\x09\0\0user\0postgres\0\0");
	is_absent(rec.app);
}

#define MYSQL_FILLER "0000000000000000000000000000000000000000000000"

Test(mysql, handshake_response)
{
	tcp_hex(3306, "540000 01 8da2080000000001 21" MYSQL_FILLER
		      "726f6f7400 14 0011223344556677889900112233445566778899746573740000 "
		      "6d7973716c5f6e61746976655f70617373776f726400");
	is_app("mysql");
	is(rec.login->user, "root");
	is(rec.mysql->database, "test");
	cr_expect_not(rec.mysql->tls);
	tcp_hex(3306, "200000 01 05aa0f0000000001 21" MYSQL_FILLER);
	cr_expect(rec.mysql->tls);
	tcp_hex(3306, "200000 01 05a20f0000000001 21" MYSQL_FILLER);
	is_absent(rec.app);
	tcp_hex(3306, "200000 02 05aa0f0000000001 21" MYSQL_FILLER);
	is_absent(rec.app);
	tcp_hex(3306, "200000 01 05a80f0000000001 21" MYSQL_FILLER);
	is_absent(rec.app);
	tcp_hex(3306, "200000 01 05aa0f0000000001 21 01" MYSQL_FILLER);
	is_absent(rec.app);
	tcp_hex(3306, "240000 01 05220f0000000001 21" MYSQL_FILLER "61007000");
	is(rec.login->user, "a");
	tcp_hex(3306, "230000 01 05220f0000000001 21" MYSQL_FILLER "616161");
	is_absent(rec.app);
}

/* HASSH against values that its authors publish: salesforce/hassh,
 * python/hasshGen/hassh_fingerprints.csv. */
#include "app_support.h"

static uint8_t packet[8192];
static size_t len;

static void put(uint64_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		packet[len++] = (uint8_t)(v >> (8 * i));
}

static void put_text(const char *s, size_t n)
{
	put(n, 4);
	memcpy(packet + len, s, n);
	len += n;
}

/* An identification string and a KEXINIT with the four lists of "kex;ciphers;macs;compression". */
static void build(const char *banner, const char *algorithms)
{
	const char *part[4];
	size_t n[4];
	for (int i = 0; i < 4; i++) {
		part[i] = algorithms;
		n[i] = strcspn(algorithms, ";");
		algorithms += n[i] + 1;
	}
	len = (size_t)sprintf((char *)packet, "%s\r\n", banner);
	size_t at = len;
	put(0, 4);
	put(6, 1); /* padding */
	put(20, 1);
	for (int i = 0; i < 16; i++)
		put(0xc0, 1);
	put_text(part[0], n[0]);
	put_text("ssh-ed25519", 11);
	put_text(part[1], n[1]);
	put_text("server", 6);
	put_text(part[2], n[2]);
	put_text("server", 6);
	put_text(part[3], n[3]);
	put_text("server", 6);
	put(0, 8);
	put(0, 5);
	put(0, 6);
	size_t body = len - at - 4;
	packet[at + 2] = (uint8_t)(body >> 8);
	packet[at + 3] = (uint8_t)body;
}

static const struct {
	const char *banner, *hassh, *algorithms;
} vectors[] = {
	{"SSH-2.0-dropbear_2018.76", "e22efe3cde8b396b874c3f13fdb6c61a",
	 "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp521,ecdh-sha2-nistp384,ecdh-sha2-nistp256,diffie-hellman-group14-sha256,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1,kexguess2@matt.ucc.asn.au;aes128-ctr,aes256-ctr,aes128-cbc,aes256-cbc,3des-ctr,3des-cbc;hmac-sha1-96,hmac-sha1,hmac-sha2-256;zlib@openssh.com,zlib,none"},
	{"SSH-2.0-dropbear_2012.55", "16f898dd8ed8279e1055350b4e20666c",
	 "diffie-hellman-group1-sha1,diffie-hellman-group14-sha1;aes128-ctr,3des-ctr,aes256-ctr,aes128-cbc,3des-cbc,aes256-cbc,twofish256-cbc,twofish-cbc,twofish128-cbc;hmac-sha1-96,hmac-sha1,hmac-md5;zlib,zlib@openssh.com,none"},
	{"SSH-2.0-paramiko_2.4.1", "b5752e36ba6c5979a575e43178908adf",
	 "ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1;aes128-ctr,aes192-ctr,aes256-ctr,aes128-cbc,aes192-cbc,aes256-cbc,blowfish-cbc,3des-cbc;hmac-sha2-256,hmac-sha2-512,hmac-sha1,hmac-md5,hmac-sha1-96,hmac-md5-96;none"},
	{"SSH-2.0-OpenSSH_7.4", "ec9ea89c70f5fc71cf61061bff5e4740",
	 "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha256,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1,ext-info-c;chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-cbc,aes192-cbc,aes256-cbc;umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1;none,zlib@openssh.com,zlib"},
};

Test(ssh, published_hassh)
{
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		build(vectors[i].banner, vectors[i].algorithms);
		see_bytes(APP_TCP, 22, packet, len);
		is_app("ssh");
		is(rec.ssh->banner, vectors[i].banner);
		is(rec.ssh->hassh, vectors[i].hassh);
		is(rec.ssh->hassh_algorithms, vectors[i].algorithms);
	}
}

Test(ssh, banner_alone)
{
	tcp(2222, "SSH-2.0-Go\r\n");
	is_app("ssh");
	is(rec.ssh->banner, "SSH-2.0-Go");
	is_absent(rec.ssh->hassh);
	tcp(2222, "SSH-2.0-libssh2_1.4.3\rrest");
	is(rec.ssh->banner, "SSH-2.0-libssh2_1.4.3");
	tcp(2222, "SSH-2.0-no-end");
	is(rec.ssh->banner, "SSH-2.0-no-end");
	tcp(2222, "SSH-Go\r\n");
	is_absent(rec.app);
}

Test(ssh, broken_kexinit)
{
	build(vectors[1].banner, vectors[1].algorithms);
	see_prefixes(APP_TCP, 22, packet, len);
	size_t at = strlen(vectors[1].banner) + 2;
	packet[at + 5] = 21;
	see_bytes(APP_TCP, 22, packet, len);
	is_app("ssh");
	is_absent(rec.ssh->hassh);
	packet[at + 5] = 20;
	packet[at + 22] = 0xff; /* a list of four gigabytes */
	see_bytes(APP_TCP, 22, packet, len);
	is_absent(rec.ssh->hassh);
	packet[at] = 0x7f;
	see_bytes(APP_TCP, 22, packet, len);
	is_absent(rec.ssh->hassh);
}

#include "app_support.h"

Test(http, request)
{
	tcp(8080,
	    "POST /cgi-bin/luci?x=1 HTTP/1.1\r\nHost: 192.0.2.1:8080\r\nuser-agent: Mozilla/5.0 "
	    "zgrab/0.x\r\n"
	    "Content-Length: 7\r\nX:  padded \r\n\r\na=1&b=2");
	is_app("http");
	is(rec.http->method, "POST");
	is(rec.http->target, "/cgi-bin/luci?x=1");
	is(rec.http->version, "1.1");
	is(rec.http->host, "192.0.2.1:8080");
	is(rec.http->user_agent, "Mozilla/5.0 zgrab/0.x");
	cr_assert_eq(rec.http->headers.n, 4);
	is(rec.http->headers.v[3].name, "X");
	is(rec.http->headers.v[3].value, "padded");
	cr_expect_eq(rec.http->body_len, 7);
	cr_expect_eq(rec.http->requests, 0);
	is_absent(rec.http->api);
	cr_expect(!rec.first_bytes.p);
}

Test(http, target_with_blanks_and_odd_method)
{
	tcp(80, "GEt /a b' OR 1=1 HTTP/1.1 x HTTP/1.0\r\n\r\n");
	is_app("http");
	is(rec.http->target, "/a b' OR 1=1 HTTP/1.1 x");
	is(rec.http->version, "1.0");
}

Test(http, without_version_or_cut_off)
{
	tcp(80, "GET /\r\n");
	is_app("http");
	is(rec.http->target, "/");
	is_absent(rec.http->version);
	tcp(80, "GET http://example.com/");
	is_app("http");
	tcp(80, "GET https://example.com/");
	is_app("http");
	tcp(80, "GET /very/long/and/cut");
	is_app("http");
	tcp(80, "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n");
	is_app("http");
	is(rec.http->host, "a");
	cr_expect_eq(rec.http->body_len, 0);
	tcp(80, "CONNECT example.com:443 HTTP/1.1\r\n\r\n");
	is_app("http");
}

Test(http, is_not)
{
	tcp(80, "GET x\r\n"); /* memcached's, in capitals */
	is_absent(rec.app);
	is(rec.first_bytes, "47455420780d0a");
	tcp(80, "GET /\0binary");
	is_absent(rec.app);
	tcp(80, "HELLO world\r\n");
	is_absent(rec.app);
	tcp(80, "GETTING/SOMETHING-THAT-IS-TOO-LONG /x HTTP/1.1\r\n");
	is_absent(rec.app);
	tcp(80, " / HTTP/1.1\r\n");
	is_absent(rec.app);
	tcp(80, "G!T / HTTP/1.1\r\n");
	is_absent(rec.app);
	tcp(80, "SAY hello HTTP/x\r\n");
	is_absent(rec.app);
	tcp(80, "\r\n\r\n");
	is_absent(rec.app);
	tcp(80, "");
	cr_expect(!rec.first_bytes.p);
}

Test(http, pipelined)
{
	tcp(80, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: "
		"3\r\n\r\nabc\r\nGET /3 HTTP/1.1\r\n\r\n");
	is(rec.http->target, "/1");
	cr_expect_eq(rec.http->requests, 3);
	cr_expect_eq(rec.http->body_len, 0);
	tcp(80, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nrubbish without a length");
	cr_expect_eq(rec.http->requests, 0);
	cr_expect_eq(rec.http->body_len, 24);
}

Test(http, content_length_lies)
{
	tcp(80, "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\nabc");
	cr_expect_eq(rec.http->body_len, 3);
	tcp(80, "POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\nabc");
	cr_expect_eq(rec.http->body_len, 0);
}

Test(http, chunked)
{
	tcp(80, "POST / HTTP/1.1\r\nTransfer-Encoding: "
		"chunked\r\n\r\n4\r\nabcd\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\n"
		"GET /2 HTTP/1.1\r\n\r\n");
	cr_expect_eq(rec.http->body_len, 39);
	cr_expect_eq(rec.http->requests, 2);
	tcp(80, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\nab");
	cr_expect_eq(rec.http->body_len, 13);
	tcp(80, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n");
	is_app("http");
	tcp(80, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n");
	is_app("http");
}

Test(http, many_headers_are_bounded)
{
	static char text[40000];
	size_t n = (size_t)sprintf(text, "GET / HTTP/1.1\r\n");
	for (int i = 0; i < 1000; i++)
		n += (size_t)sprintf(text + n, "X-Header-%d: value %d\r\n", i, i);
	n += (size_t)sprintf(text + n, "\r\n");
	see_bytes(APP_TCP, 80, text, n);
	cr_expect_eq(rec.http->headers.n, APP_MAX_HEADERS);
}

Test(http, basic_auth)
{
	tcp(80, "GET / HTTP/1.1\r\nAuthorization: basic  YWRtaW46cGE6c3M=\r\n\r\n");
	is(rec.login->user, "admin");
	is(rec.login->password, "pa:ss");
	is(rec.login->method, "basic");
	tcp(80, "GET / HTTP/1.1\r\nAuthorization: Basic YWRtaW4\r\n\r\n");
	cr_expect_null(rec.login, "no colon");
	tcp(80, "GET / HTTP/1.1\r\nAuthorization: Basic !!!!\r\n\r\n");
	cr_expect_null(rec.login);
	tcp(80, "GET / HTTP/1.1\r\nAuthorization: Basic YWRta\r\n\r\n");
	cr_expect_null(rec.login);
	tcp(80, "GET / HTTP/1.1\r\nAuthorization: Bearer YWRtaW4\r\n\r\n");
	cr_expect_null(rec.login);
}

static void api(uint16_t port, const char *target, const char *agent, const char *want,
		const char *call)
{
	char text[512];
	int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nUser-Agent: %s\r\n\r\n", target,
			 agent);
	see_bytes(APP_TCP, port, text, (size_t)n);
	cr_assert_not_null(rec.http);
	if (!want) {
		is_absent(rec.http->api);
		return;
	}
	is(rec.http->api, want);
	is(rec.http->api_call, call);
}

Test(http, docker)
{
	api(80, "/v1.24/containers/json?all=1", "x", "docker", "containers/json");
	api(80, "/containers/json", "x", "docker", "containers/json");
	api(80, "/_ping", "x", "docker", "_ping");
	api(80, "/info", "x", NULL, NULL);
	api(2375, "/info", "x", "docker", "info");
	api(80, "/version", "Docker-Client/20.10 (linux)", "docker", "version");
	api(80, "/containers/0123456789ab/start", "x", "docker", "containers/0123456789ab/start");
	api(80, "/exec/0123456789ab/start", "x", "docker", "exec/0123456789ab/start");
	api(80, "/images/0123456789ab/start", "x", NULL, NULL);
	api(80, "/containers/", "x", NULL, NULL);
	api(80, "/v1.24/elsewhere", "x", NULL, NULL);
}

Test(http, kubernetes)
{
	api(80, "/api/v1/namespaces/default/pods", "x", "kubernetes", "namespaces/default/pods");
	api(80, "/api/v1/users", "x", NULL, NULL);
	api(80, "/api/v1", "x", NULL, NULL);
	api(6443, "/api/v1", "x", "kubernetes", "api/v1");
	api(6443, "/api/v1/", "x", "kubernetes", "api/v1/");
	api(6443, "/apis", "x", "kubernetes", "apis");
	api(6443, "/api?timeout=32s", "x", "kubernetes", "api");
	api(6443, "/version", "x", "kubernetes", "version");
	api(6443, "/livez", "x", "kubernetes", "livez");
	api(443, "/api/v1", "x", "kubernetes", "api/v1");
	api(443, "/livez", "x", NULL, NULL);
	api(80, "/apis", "x", NULL, NULL);
	api(80, "/version", "x", NULL, NULL);
	api(6443, "/", "x", NULL, NULL);
	api(6443, "/versions", "x", NULL, NULL);
	api(80, "/api/v2/x", "x", NULL, NULL);
	api(80, "/apis/rbac.authorization.k8s.io/v1/x", "x", "kubernetes",
	    "apis/rbac.authorization.k8s.io/v1/x");
	api(80, "/apis/apps/v1/deployments", "x", "kubernetes", "apis/apps/v1/deployments");
	api(80, "/apis/mine", "x", NULL, NULL);
	api(80, "/runningpods/", "x", "kubernetes", "runningpods/");
	api(80, "/openapi/v2", "x", "kubernetes", "openapi/v2");
	api(80, "/openapi/x", "x", NULL, NULL);
	api(80, "/pods", "x", NULL, NULL);
	api(10250, "/pods", "x", "kubernetes", "pods");
	api(10250, "/else", "x", NULL, NULL);
	api(80, "/else", "kubectl/v1.2", "kubernetes", "else");
}

Test(http, yarn)
{
	api(8088, "/ws/v1/cluster/apps/new-application", "x", "yarn",
	    "cluster/apps/new-application");
	api(8088, "/ws/v1/history", "x", "yarn", "history");
	api(8088, "//ws/v1/cluster/apps", "x", "yarn", "cluster/apps");
	api(8088, "/ws/v1/mine", "x", NULL, NULL);
	api(8088, "/ws/x/cluster", "x", NULL, NULL);
	api(8088, "*", "x", NULL, NULL);
}

Test(jsonrpc, over_http)
{
	tcp(8545, "POST / HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
		  "{\"jsonrpc\":\"2.0\",\"method\":\"eth_blockNumber\",\"params\":[{\"a\":[1,2.5e-"
		  "1,null]}],\"id\":83}");
	is_app("http");
	is(rec.http->api, "jsonrpc");
	is(rec.http->api_call, "eth_blockNumber");
	is(rec.jsonrpc->method, "eth_blockNumber");
	is(rec.jsonrpc->version, "2.0");
	is(rec.jsonrpc->dialect, "ethereum");
	cr_expect_eq(rec.jsonrpc->requests, 0);
}

Test(jsonrpc, bare_and_batch)
{
	tcp(3333,
	    "{\"id\": 1, \"method\": \"mining.subscribe\", \"params\": "
	    "[]}\n{\"id\":2,\"method\":\"mining.authorize\",\"params\":[\"a\\\"b\",\"x\"]}\n");
	is_app("jsonrpc");
	is(rec.jsonrpc->dialect, "stratum");
	is_absent(rec.jsonrpc->version);
	cr_expect_eq(rec.jsonrpc->requests, 2);
	tcp(3333,
	    "[{\"jsonrpc\":\"2.0\",\"method\":\"aria2.addUri\",\"id\":1},{\"method\":\"x\",\"id\":2}]");
	is(rec.jsonrpc->dialect, "aria2");
	cr_expect_eq(rec.jsonrpc->requests, 2);
	tcp(3333, "{\"method\":\"foo\",\"params\":[\"cut of");
	is_app("jsonrpc");
	is_absent(rec.jsonrpc->dialect);
}

Test(jsonrpc, is_not)
{
	tcp(80, "{\"hello\":1}");
	is_absent(rec.app);
	tcp(80, "{\"method\":\"x\"}");
	is_absent(rec.app);
	tcp(80, "{\"method\":1,\"id\":1}");
	is_absent(rec.app);
	tcp(80, "{\"method\" \"x\",\"id\":1}");
	is_absent(rec.app);
	tcp(80, "{method:\"x\",\"id\":1}");
	is_absent(rec.app);
	tcp(80, "{\"method\":\"x\",\"id\":]}");
	is_absent(rec.app);
	tcp(80, "{\"method\":\"x\",\"id\":,}");
	is_absent(rec.app);
	tcp(80, "{\"method\":\"x\",\"id\":1;");
	is_absent(rec.app);
	tcp(80, "{\"a\nb\":\"x\",\"id\":1}");
	is_absent(rec.app);
	tcp(80, "{\"method\":\"x\",\"id\":#}");
	is_absent(rec.app);
	tcp(80, "[[[[[[");
	is_absent(rec.app);
	tcp(80, "{\"method\":\"x\",\"params\":\"cut\\");
	is_app("jsonrpc");
}

Test(http2, preface)
{
	tcp_hex(80, "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a00000c 04 00 00000000 0001 "
		    "00010000 0003 000003e8000004 08 00 00000000 00bf0001000003 01 05 00000001 "
		    "828684000000 04 01 00000000000064 01 05 00000003 82");
	is_app("http2");
	is(rec.http2->settings, "1=65536,3=1000");
	cr_expect_eq(rec.http2->window_update, 0xbf0001);
	cr_expect_eq(rec.http2->requests, 1);
	cr_expect_eq(rec.http2->frames, 4);
	tcp(80, "PRI * HTTP/2.0\r\n\r\n");
	is_app("http2");
	cr_expect_eq(rec.http2->frames, 0);
	tcp(80, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	is_app("http2");
}

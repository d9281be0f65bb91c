#include "responder/kernel.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "responder/rules.h"

#define RULES_LIMIT (1u << 20)

/* nft repeats the command under its message; one line is enough for a log. */
static int kernel_explain(const char *nft, char *err, size_t errlen)
{
	const char *p = strstr(nft, "Error:");
	size_t n;

	p = p ? p + 7 : nft;
	n = strcspn(p, "\n");
	snprintf(err, errlen, "%.*s", (int)n, p);
	if (strstr(nft, "Operation not permitted"))
		return -EPERM;
	if (strstr(nft, "File exists") || strstr(nft, "busy"))
		return -EBUSY;
	return -EOPNOTSUPP;
}

/* A table of another owner is refused as if we lacked the privilege; who lacks it cannot list
 * tables either. */
static bool kernel_has_table(struct nft_ctx *ctx)
{
	const char *list;

	if (nft_run_cmd_from_buffer(ctx, "list tables inet\n") != 0)
		return false;
	list = nft_ctx_get_output_buffer(ctx);
	return list && strstr(list, "table inet lurker\n");
}

static bool kernel_sysctl_on(const char *path)
{
	FILE *f = fopen(path, "re");
	bool on = f && fgetc(f) == '1';

	if (f)
		fclose(f);
	return on;
}

bool kernel_forwards(void)
{
	return kernel_sysctl_on("/proc/sys/net/ipv4/ip_forward") ||
	       kernel_sysctl_on("/proc/sys/net/ipv6/conf/all/forwarding");
}

static bool kernel_is_bridge(const char *iface)
{
	char path[128];

	snprintf(path, sizeof path, "/sys/class/net/%s/bridge", iface);
	return access(path, F_OK) == 0;
}

int kernel_install(const struct watch *w, const char *iface, bool forwards, struct nft_ctx **out,
		   char *err, size_t errlen)
{
	struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	struct rules_host host = {kernel_is_bridge(iface), forwards};
	struct buf rules;
	int rc;

	*out = NULL;
	buf_init(&rules, RULES_LIMIT);
	rc = rules_nft(w, iface, host, &rules);
	buf_addc(&rules, '\0');
	if (!ctx || rc || rules.failed) {
		snprintf(err, errlen, "out of memory, or too many excluded ports");
		rc = -ENOMEM;
		goto fail;
	}
	nft_ctx_buffer_error(ctx);
	nft_ctx_buffer_output(ctx);
	if (nft_run_cmd_from_buffer(ctx, (const char *)rules.p) != 0) {
		rc = kernel_explain(nft_ctx_get_error_buffer(ctx), err, errlen);
		if (rc == -EPERM && kernel_has_table(ctx))
			rc = -EBUSY;
		goto fail;
	}
	buf_fini(&rules);
	*out = ctx;
	return 0;
fail:
	buf_fini(&rules);
	if (ctx)
		nft_ctx_free(ctx);
	return rc;
}

void kernel_remove(struct nft_ctx **ctx)
{
	if (*ctx)
		nft_ctx_free(*ctx);
	*ctx = NULL;
}

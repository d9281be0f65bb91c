/*
 * rotate-address: exchanges the sensor's public address. rotation.c decides what to do; this file
 * does it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "cloud/creds_opt.h"
#include "cloud/http_client.h"
#include "ec2_client.h"
#include "front.h"
#include "proto/codec.h"
#include "rotation.h"
#include "rt/sandbox.h"
#include "storage/observed.h"

struct rotate_conf {
	bool dry_run, adopt, note;
	const char *interface_id, *private_addr;
	struct ec2_conf ec2;
};

struct rotate {
	struct rotate_conf conf;
	struct svc_common common;
	struct ec2_client *client;
	struct rotation rotation;
	struct buf body;
	char interface[40], private_addr[16];
	char before[16]; /* public address at the beginning; empty: none */
	bool noted;
};

#define AT(field) offsetof(struct rotate_conf, field)
static const struct opt opts[] = {
	{.name = "dry_run",
	 .flag = 'n',
	 .type = OPT_BOOL,
	 .offset = AT(dry_run),
	 .help = "only say what would be done"},
	{.name = "adopt",
	 .type = OPT_BOOL,
	 .offset = AT(adopt),
	 .help = "treat the Elastic IP that the interface has as lurker's, and release it"},
	{.name = "note",
	 .type = OPT_BOOL,
	 .offset = AT(note),
	 .help = "exchange nothing; only record which address the sensor has"},
	{.name = "interface_id",
	 .type = OPT_STR,
	 .offset = AT(interface_id),
	 .help = "network interface, eni-…; by default the first of the instance"},
	{.name = "private_addr",
	 .type = OPT_STR,
	 .offset = AT(private_addr),
	 .help = "private address of the interface that the public one is mapped to; by default the first"},
	{.name = "region",
	 .type = OPT_STR,
	 .offset = AT(ec2.region),
	 .help = "AWS region; by default that of $AWS_REGION, the instance or the profile, in this order"},
	{.name = "ec2_endpoint",
	 .type = OPT_STR,
	 .offset = AT(ec2.endpoint),
	 .help = "URL of an EC2 service other than that of AWS"},
	{.name = "ca_file",
	 .type = OPT_STR,
	 .offset = AT(ec2.ca_file),
	 .help = "file with the CA certificates (PEM) to trust instead of the system's"},
	CREDS_OPTS(struct rotate_conf, ec2.creds, ""),
	{0},
};
#undef AT

/* Prints an error and what it is about, or "". Returns -EIO. */
static int rotate_error(const char *error, const char *what)
{
	fprintf(stderr, "lurker rotate-address: %s%s%s\n", error, *what ? ": " : "", what);
	return -EIO;
}

/* Finds the interface, its private address, and the public address it has now. */
static int rotate_find_self(struct rotate *t)
{
	char mac[32], path[96];
	const char *why = "";
	int rc = 0;
	if (t->conf.interface_id && t->conf.private_addr) {
		snprintf(t->interface, sizeof t->interface, "%s", t->conf.interface_id);
		snprintf(t->private_addr, sizeof t->private_addr, "%s", t->conf.private_addr);
		return 0;
	}
	rc = ec2_metadata(t->client, "mac", mac, sizeof mac, &why);
	if (!rc) {
		snprintf(path, sizeof path, "network/interfaces/macs/%s/interface-id", mac);
		rc = ec2_metadata(t->client, path, t->interface, sizeof t->interface, &why);
	}
	if (!rc) {
		snprintf(path, sizeof path, "network/interfaces/macs/%s/local-ipv4s", mac);
		rc = ec2_metadata(t->client, path, t->private_addr, sizeof t->private_addr, &why);
	}
	if (!rc) {
		rc = ec2_metadata(t->client, "public-ipv4", t->before, sizeof t->before, &why);
		rc = rc == -ENOENT ? 0 : rc;
	}
	if (rc)
		return rotate_error(
			"this does not look like an EC2 instance; elsewhere, give --interface-id "
			"and --private-addr",
			why);
	if (t->conf.interface_id)
		snprintf(t->interface, sizeof t->interface, "%s", t->conf.interface_id);
	if (t->conf.private_addr)
		snprintf(t->private_addr, sizeof t->private_addr, "%s", t->conf.private_addr);
	return 0;
}

static int rotate_alert(struct rotate *t, uint64_t now_ns, const char *address)
{
	char message[160];
	snprintf(message, sizeof message, "%s is observed at %s now%s%s", t->private_addr, address,
		 t->before[0] ? ", before at " : "", t->before);
	const struct msg_alert a = {.kind = bytes_str("address"),
				    .severity = bytes_str("info"),
				    .message = bytes_str(message),
				    .ts_ns = now_ns,
				    .prefix = bytes_str(address)};
	return svc_record_alert(t->common.state_dir, &a);
}

/* Records that the sensor is seen at this address from now on. */
static int rotate_note(struct rotate *t, const char *address)
{
	struct observed_change c = {.since_ns = clock_real_ns()};
	bool news = false;
	if (t->conf.dry_run || !*address)
		return 0;
	snprintf(c.private_addr, sizeof c.private_addr, "%s", t->private_addr);
	snprintf(c.public_addr, sizeof c.public_addr, "%s", address);
	int rc = observed_note(t->common.state_dir, &c, &news);
	if (!rc && news)
		rc = rotate_alert(t, c.since_ns, address);
	return rc ? rotate_error(t->common.state_dir, strerror(-rc)) : 0;
}

/* One run at a time: a second one would release this run's new address as a leftover. The kernel
 * releases the lock when the process ends. */
static int rotate_lock(struct rotate *t)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof path, "%s/rotate-address.lock", t->common.state_dir);
	if (n < 0 || (size_t)n >= sizeof path)
		return rotate_error(t->common.state_dir, strerror(ENAMETOOLONG));
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return rotate_error(path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return rotate_error("another run is in progress", path);
	return 0;
}

static int rotate_look_for(struct rotate *t, int rc, struct ec2_address *out, size_t *n)
{
	struct bytes xml;
	struct verdict v;
	if (!rc && ec2_call(t->client, buf_bytes(&t->body), true, &xml, &v) != EC2_DONE)
		return rotate_error("addresses cannot be looked up", v.why);
	if (!rc)
		rc = ec2_addresses(xml, out, EC2_ADDRESSES_MAX, n);
	return rc ? rotate_error("the response of EC2 is not understood", strerror(-rc)) : 0;
}

static int rotate_look(struct rotate *t)
{
	struct ec2_address found[2 * EC2_ADDRESSES_MAX];
	size_t made = 0, here = 0;
	buf_reset(&t->body);
	int rc = rotate_look_for(t, ec2_describe_made(&t->body, t->common.sensor), found, &made);
	buf_reset(&t->body);
	if (!rc)
		rc = rotate_look_for(t, ec2_describe_interface(&t->body, t->interface),
				     found + made, &here);
	return rc ? rc : rotation_saw(&t->rotation, found, made + here);
}

static const char *rotate_words(const struct rotation_step *s)
{
	switch (s->what) {
	case ROTATION_RELEASE:
		return s->leftover ? "release the leftover" : "release";
	case ROTATION_ADOPT:
		return "adopt";
	case ROTATION_MAKE:
		return "allocate an address";
	case ROTATION_GIVE:
		return "associate";
	default:
		return "";
	}
}

static int rotate_request(struct rotate *t, const struct rotation_step *s)
{
	buf_reset(&t->body);
	switch (s->what) {
	case ROTATION_RELEASE:
		return ec2_release(&t->body, s->address->allocation);
	case ROTATION_ADOPT:
		return ec2_adopt(&t->body, s->address->allocation, t->common.sensor);
	case ROTATION_MAKE:
		return ec2_allocate(&t->body, t->common.sensor);
	default:
		return ec2_associate(&t->body, s->address->allocation, t->interface,
				     t->private_addr);
	}
}

static void rotate_explain(const struct rotation_step *s, const struct verdict *v)
{
	char what[96];
	snprintf(what, sizeof what, "cannot %s%s%s", rotate_words(s), s->address ? " " : "",
		 s->address ? s->address->address : "");
	rotate_error(what, v->why);
	if (strcmp(v->code, "AddressLimitExceeded") == 0)
		fputs("The account has reached its limit of Elastic IP addresses in this region (5 by\n"
		      "default), and an exchange needs one more for a moment. Release an unused one, or raise\n"
		      "the quota \"EC2-VPC Elastic IPs\". The sensor keeps its address.\n",
		      stderr);
	else if (strcmp(v->code, "UnauthorizedOperation") == 0)
		fputs("The role needs the permissions of RotationPolicy in deploy/aws/sensor.yml.\n",
		      stderr);
}

static enum rotation_outcome rotate_outcome(enum ec2_result r, const struct verdict *v)
{
	if (r == EC2_DONE)
		return ROTATION_DONE;
	if (strcmp(v->code, "InvalidAllocationID.NotFound") == 0 ||
	    strcmp(v->code, "InvalidAddress.NotFound") == 0)
		return ROTATION_GONE;
	if (strcmp(v->code, "InvalidIPAddress.InUse") == 0)
		return ROTATION_IN_USE;
	return r == EC2_UNKNOWN ? ROTATION_UNKNOWN : ROTATION_REFUSED;
}

static void rotate_step(struct rotate *t, const struct rotation_step *s)
{
	struct ec2_address made = {.address = "a new one"};
	struct bytes xml;
	struct verdict v;
	snprintf(made.allocation, sizeof made.allocation, "eipalloc-0");
	if (t->conf.dry_run) {
		printf("would %s%s%s\n", rotate_words(s), s->address ? " " : "",
		       s->address ? s->address->address : "");
		rotation_did(&t->rotation, ROTATION_DONE, &made);
		return;
	}
	if (rotate_request(t, s) != 0) {
		rotate_error("no memory", "");
		rotation_did(&t->rotation, ROTATION_REFUSED, NULL);
		return;
	}
	/* Only allocating twice does harm. */
	enum ec2_result r =
		ec2_call(t->client, buf_bytes(&t->body), s->what != ROTATION_MAKE, &xml, &v);
	enum rotation_outcome o = rotate_outcome(r, &v);
	if (o == ROTATION_DONE && s->what == ROTATION_MAKE && ec2_allocated(xml, &made) != 0)
		o = ROTATION_UNKNOWN;
	if (o == ROTATION_UNKNOWN)
		log_warn("outcome unknown, looking again", "error=\"%s\"", v.why);
	else if (o != ROTATION_DONE && o != ROTATION_GONE)
		rotate_explain(s, &v);
	else
		printf("%s %s: done\n", rotate_words(s),
		       s->what == ROTATION_MAKE ? made.address : s->address->address);
	rotation_did(&t->rotation, o, &made);
}

/* Names the addresses that are not ours to release. */
static void rotate_tell_kept(const struct rotate *t)
{
	const struct rotation *r = &t->rotation;
	for (size_t i = 0; i < r->n; i++)
		if (!rotation_ours(r, &r->known[i]) &&
		    strcmp(r->known[i].private_addr, r->private_addr) == 0)
			printf("%s (%s) was not allocated by lurker: it stays, and costs money until you "
			       "release it (--adopt does)\n",
			       r->known[i].address, r->known[i].allocation);
}

/* Records the address at the beginning of the run: the Elastic IP that EC2 reports, else what the
 * metadata say, which may lag. So an address that an earlier run gave and could not record is
 * recorded too. */
static int rotate_note_before(struct rotate *t)
{
	const struct rotation *r = &t->rotation;
	for (size_t i = 0; i < r->n; i++)
		if (rotation_here(r, &r->known[i]))
			snprintf(t->before, sizeof t->before, "%s", r->known[i].address);
	return rotate_note(t, t->before);
}

static int rotate_exchange(struct rotate *t)
{
	struct rotation *r = &t->rotation;
	struct rotation_step s;
	int rc = 0;
	*r = (struct rotation){.sensor = t->common.sensor,
			       .interface = t->interface,
			       .private_addr = t->private_addr,
			       .adopt = t->conf.adopt};
	while (!rc && (s = rotation_next(r)).what != ROTATION_END) {
		if (!rotation_settles(r))
			return rotate_error(
				"the addresses do not settle: does another program exchange them?",
				"");
		bool first = r->steps == 0;
		if (s.what != ROTATION_LOOK)
			rotate_step(t, &s);
		else if (rotate_look(t) != 0)
			rotation_did(r, ROTATION_REFUSED, NULL);
		else if (first)
			rc = rotate_note_before(t);
		if (r->given && !t->noted) {
			t->noted = true;
			rc = rotate_note(t, r->fresh.address);
		}
		fflush(stdout);
	}
	if (r->given) {
		rotate_tell_kept(t);
		if (!t->conf.dry_run)
			printf("the address is now %s%s%s\n", r->fresh.address,
			       t->before[0] ? ", before it was " : "", t->before);
	}
	if (rc || !r->given || r->failed)
		return -EIO;
	return 0;
}

static int rotate_drop_privilege(const struct rotate *t)
{
	static const char *const calls[] = {HTTP_CALLS, "flock", "signalfd4", "timerfd_create",
					    NULL};
	char err[256] = "";
	int rc = sandbox_drop(t->common.user, err, sizeof err);
	if (!rc && t->common.sandbox)
		rc = sandbox_seccomp(calls, err, sizeof err);
	return rc ? rotate_error("sandbox", *err ? err : strerror(-rc)) : 0;
}

static int rotate_check(const struct rotate *t)
{
	if (t->conf.interface_id && !ec2_id(t->conf.interface_id, "eni"))
		return rotate_error("--interface-id must be eni- and hexadecimal digits",
				    t->conf.interface_id);
	if (strlen(t->common.sensor) > 255)
		return rotate_error("the sensor's name is too long for a tag", t->common.sensor);
	return 0;
}

static int rotate_run(struct rotate *t)
{
	int rc = t->conf.dry_run ? 0 : svc_make_dirs(&t->common);
	if (!rc)
		rc = rotate_drop_privilege(t);
	if (!rc && !t->conf.dry_run)
		rc = rotate_lock(t);
	if (!rc && (rc = ec2_client_new(&t->conf.ec2, &t->client)) != 0)
		rotate_error("http", strerror(-rc));
	if (!rc)
		rc = rotate_find_self(t);
	if (!rc && t->conf.note)
		rc = rotate_note(t, t->before);
	if (!rc && t->conf.note)
		printf("%s is %s\n", t->private_addr,
		       t->before[0] ? t->before : "without a public address");
	else if (!rc)
		rc = rotate_exchange(t);
	ec2_client_free(&t->client);
	return rc;
}

int front_rotate(int argc, char **argv)
{
	static const struct front_usage usage = {
		"rotate-address", "",
		"Gives the sensor another public address: allocates an Elastic IP, associates it with the\n"
		"instance's interface, releases the previous one, and records since when the sensor is seen\n"
		"at the new one. The private address stays, and so do all services. Every address that it\n"
		"allocates has the tags lurker:sensor (the sensor's name, which must be unique in the account)\n"
		"and lurker:made-by. By these tags, each run first releases what an earlier run left; an\n"
		"address without them is never released. lurker-rotate-address.timer runs this command.\n\n"
		"Reads: the instance's metadata (IMDSv2). Writes: STATE_DIR/observed, records/alert.\n"
		"Needs: ec2:AllocateAddress, AssociateAddress, CreateTags, DescribeAddresses,\n"
		"ReleaseAddress; the state directory. Prints: what it does. Exit code: 0 the address was\n"
		"exchanged; 1 it was not, or something is left for the next run; 2 usage."};
	static struct rotate t;
	struct opt_section own = {"", opts, &t.conf};
	int code = front_options(&usage, own, &t.common, &argc, argv);
	if (code >= 0)
		return code;
	if (rotate_check(&t) != 0)
		return 2;
	buf_init(&t.body, 1u << 14);
	code = rotate_run(&t) == 0 ? 0 : 1;
	buf_fini(&t.body);
	return code;
}

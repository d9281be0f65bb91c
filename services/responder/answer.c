#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "pkt/linktype.h"
#include "responder/publish.h"
#include "responder/shell.h"
#include "rt/svc.h"

/* Groups of frames handled before the loop gets a turn for its other descriptors. */
#define TURN_GROUPS   256u
#define NUDGE_TURN_NS (100 * NS_PER_MS)
/* How often the host is looked at; what changed must be so twice. */
#define HOST_TURN_NS (2 * NS_PER_S)

static void answer_flush(struct shell *sh)
{
	struct interface_sent sent = {0};

	if (!sh->batch.n)
		return;
	interface_send(&sh->interface, &sh->batch, &sent);
	sh->core.count[RESPONDER_SENT] += sent.frames;
	sh->core.count[RESPONDER_SENT_BYTES] += sent.bytes;
	sh->core.count[RESPONDER_BATCHES] += sent.calls;
	sh->core.count[RESPONDER_D_SEND] += sent.dropped;
}

/* One group of frames: all are decoded before the first is answered, so that their memory is there
 * by then. */
static void answer_group(struct shell *sh, const struct interface_frame *frame, uint32_t n,
			 uint64_t now)
{
	struct pkt *p = sh->decoded;

	for (uint32_t i = 0; i < n; i++) {
		pkt_decode(LINK_ETHERNET, frame[i].data, frame[i].caplen, frame[i].len, &p[i]);
		p[i].ts_ns = now;
		p[i].summed = frame[i].summed;
		responder_expect(&sh->core, &p[i]);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!send_batch_ready(&sh->batch))
			answer_flush(sh);
		responder_frame(&sh->core, now, &p[i], &sh->batch);
	}
}

/* What the ring holds, answered; the answers leave together as soon as the ring is empty. */
static void answer_on_frames(void *arg)
{
	struct shell *sh = arg;
	struct interface_frame frame[INTERFACE_GROUP];
	uint32_t n, turn;

	for (turn = 0; turn < TURN_GROUPS && interface_take(&sh->interface, frame, &n); turn++) {
		answer_group(sh, frame, n, clock_mono_ns());
		interface_give(&sh->interface);
	}
	if (!turn) /* woken for nothing: the interface went down; answer_on_host() says so */
		interface_error(&sh->interface);
	answer_flush(sh);
	if (sh->core.events || sh->core.reflect.events)
		publish_all(sh->svc, &sh->core, sh->offset_ns, &sh->budget);
}

static void answer_on_second(void *arg)
{
	struct shell *sh = arg;

	sh->offset_ns = clock_real_ns() - clock_mono_ns();
	sh->budget = (uint64_t)sh->conf.replies_per_s;
	sh->core.count[RESPONDER_D_KERNEL] += interface_drops(&sh->interface);
	responder_tick(&sh->core, clock_mono_ns());
	if (sh->core.shed_changed)
		shell_shed(sh);
	publish_all(sh->svc, &sh->core, sh->offset_ns, &sh->budget);
}

static void answer_on_host(void *arg)
{
	struct shell *sh = arg;
	enum host_state was = sh->host;

	sh->host = host_look(&sh->conf, &sh->link, &sh->watch, sh->forwards);
	if (sh->host == HOST_CHANGED && was == HOST_CHANGED) {
		log_warn("ending, to be started anew",
			 "interface=%s reason=\"it was made anew, or this host's watched addresses "
			 "changed\"",
			 sh->conf.interface);
		sh->svc->exit_code = 1;
		loop_stop(sh->svc->loop);
	} else if (sh->host == HOST_DOWN && was != HOST_DOWN) {
		log_warn("interface is down",
			 "interface=%s hint=\"waiting for it and its addresses\"",
			 sh->conf.interface);
	} else if (sh->host != HOST_DOWN && was == HOST_DOWN) {
		log_info("interface is up again", "interface=%s", sh->conf.interface);
		interface_error(&sh->interface); /* or the next answer would find it */
	}
}

static void answer_on_nudge(void *arg)
{
	struct shell *sh = arg;
	uint64_t next;
	bool more;

	do {
		more = responder_nudge(&sh->core, clock_mono_ns(), &sh->batch, &next);
		answer_flush(sh);
	} while (more);
}

int answer_start(struct shell *sh)
{
	struct loop *loop = sh->svc->loop;

	answer_on_second(sh);
	int rc = loop_fd(loop, sh->interface.rx, answer_on_frames, sh);
	if (!rc)
		rc = loop_every(loop, NS_PER_S, answer_on_second, sh);
	if (!rc)
		rc = loop_every(loop, HOST_TURN_NS, answer_on_host, sh);
	if (!rc && sh->conf.nudge)
		rc = loop_every(loop, NUDGE_TURN_NS, answer_on_nudge, sh);
	return rc;
}

void answer_end(struct shell *sh)
{
	bool more;

	sh->budget = UINT64_MAX;
	do {
		more = responder_close_all(&sh->core, clock_mono_ns());
		publish_all(sh->svc, &sh->core, sh->offset_ns, &sh->budget);
	} while (more);
}

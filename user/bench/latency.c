// SPDX-License-Identifier: GPL-2.0-only
/*
 * How old a record of 64 bytes is when it is read, if one is sent every 2 us.
 *
 * It is as old as it is since it should have been sent: if a sender falls
 * behind, the time that its records wait for it counts. (Timing from when they
 * are sent would leave out exactly what goes wrong.)
 */
#include <stdlib.h>

#include "measure.h"

#define BYTES 64
#define INTERVAL_NS 2000
#define COUNT 10000
#define WARM_UP 500

struct latency {
	const struct transport *transport;
	void *shared;
};

/* Behind the number. */
static void send_at(const struct transport *transport, struct side *side,
		    uint64_t when)
{
	while (pair_clock() < when)
		spin_hint();
	memcpy(side->buffer + sizeof(when), &when, sizeof(when));
	transport->produce(side, 1);
}

static bool receive_age(const struct transport *transport, struct side *side,
			uint64_t *age)
{
	uint64_t when;

	if (!transport->consume(side, 1))
		return false;
	memcpy(&when, side->buffer + sizeof(when), sizeof(when));
	*age = pair_clock() - when;
	return true;
}

static bool run(struct pair *pair, unsigned int party, void *context)
{
	const struct latency *job = context;
	const struct transport *transport = job->transport;
	enum transport_role role = party ? CONSUMER : PRODUCER;
	struct side side = side_join(transport, job->shared, BYTES, role);
	bool is_right = true;
	uint64_t begin;

	pair_begin(pair, party);
	begin = pair->times[party].begin;
	for (unsigned int i = 0; i < WARM_UP + COUNT && is_right; i++) {
		if (role == PRODUCER)
			send_at(transport, &side,
				begin + (uint64_t)i * INTERVAL_NS);
		else
			is_right = receive_age(transport, &side,
					       &pair->notes[i]);
	}
	pair_end(pair, party);
	pair_meet(pair, party);
	side_leave(transport, &side, role);
	return is_right;
}

static struct pair *run_once(const struct transport *transport)
{
	struct latency job = {
		.transport = transport,
		.shared = transport->open(BYTES),
	};
	struct pair *pair = pair_run(run, &job, transport->is_for_threads,
				     transport->name);

	if (transport->close)
		transport->close(job.shared);
	shared_memory_drop();
	return pair;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

static void measure(const struct transport *transport)
{
	static const struct {
		const char *what;
		unsigned int of_thousand;
	} percentiles[] = {
		{ "latency-p50", 500 },
		{ "latency-p99", 990 },
		{ "latency-p99.9", 999 },
	};
	struct pair *pair = NULL;

	for (unsigned int i = 0; i < TRIES; i++) {
		pair = run_once(transport);
		if (pair_is_good(pair))
			break;
	}
	qsort(pair->notes + WARM_UP, COUNT, sizeof(*pair->notes), compare);
	for (unsigned int i = 0; i < sizeof(percentiles) / sizeof(*percentiles);
	     i++) {
		size_t at = WARM_UP + COUNT / 1000 * percentiles[i].of_thousand;

		tell(percentiles[i].what, transport->name, BYTES, "ns",
		     (double)pair->notes[at], pair_mode(pair));
	}
}

/*
 * Who reads in place leaves no time in the buffer; a batch would be waited for.
 */
static bool tells_time(const struct transport *transport)
{
	return !transport->is_batched && !strstr(transport->name, "in place");
}

void measure_latency(void)
{
	for (const struct transport *const *t = transports; *t; t++)
		if (!(*t)->absent && tells_time(*t) &&
		    is_wanted("latency", (*t)->name))
			measure(*t);
}

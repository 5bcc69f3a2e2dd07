// SPDX-License-Identifier: GPL-2.0-only
/*
 * There and back, 8 bytes: by two of each, with both sides spinning, or asleep
 * where it is the kernel's. The limit are two words that do the same.
 */
#include "measure.h"

#define BYTES 8
#define WARM_UP 100

struct round_trip {
	const struct transport *transport;	/* NULL: the bare words */
	void *there, *back;
	uint64_t count;
};

static bool run_transport(struct pair *pair, unsigned int party,
			  const struct round_trip *job)
{
	const struct transport *transport = job->transport;
	struct side out = side_join(transport, party ? job->back : job->there,
				    BYTES, PRODUCER);
	struct side in = side_join(transport, party ? job->there : job->back,
				   BYTES, CONSUMER);
	bool is_right;

	pair_meet(pair, party);
	is_right = party ? transport->pong(&in, &out, WARM_UP) :
			   transport->ping(&out, &in, WARM_UP);
	pair_begin(pair, party);
	is_right = is_right && (party ? transport->pong(&in, &out, job->count) :
					transport->ping(&out, &in, job->count));
	pair_end(pair, party);
	pair_meet(pair, party);
	side_leave(transport, &out, PRODUCER);
	side_leave(transport, &in, CONSUMER);
	return is_right;
}

static bool run(struct pair *pair, unsigned int party, void *context)
{
	const struct round_trip *job = context;

	if (job->transport)
		return run_transport(pair, party, job);
	pair_begin(pair, party);
	pair_bounce(pair, party, job->count);
	pair_end(pair, party);
	return true;
}

static const char *name_of(const struct transport *transport)
{
	return transport ? transport->name : "limit two lines";
}

static const struct pair *run_once(const struct transport *transport,
				   uint64_t count)
{
	struct round_trip job = {
		.transport = transport,
		.count = count,
	};
	const struct pair *pair;

	if (transport) {
		job.there = transport->open(BYTES);
		job.back = transport->open(BYTES);
	}
	pair = pair_run(run, &job, transport && transport->is_for_threads,
			name_of(transport));
	if (transport && transport->close) {
		transport->close(job.there);
		transport->close(job.back);
	}
	shared_memory_drop();
	return pair;
}

static void measure(const struct transport *transport)
{
	uint64_t count = count_for("round-trip", transport, BYTES);
	const struct pair *pair;

	if (!count) {
		pair = run_once(transport, 100);
		set_count_for("round-trip", transport, BYTES, 100,
			      pair->times[0].end - pair->times[0].begin);
		count = count_for("round-trip", transport, BYTES);
	}
	for (unsigned int i = 0; i < TRIES; i++) {
		pair = run_once(transport, count);
		tell("round-trip", name_of(transport), BYTES, "ns",
		     (double)(pair->times[0].end - pair->times[0].begin) /
			     (double)count, pair_mode(pair));
		if (pair_is_good(pair))
			break;
	}
}

void measure_round_trips(void)
{
	if (is_wanted("round-trip", name_of(NULL)))
		measure(NULL);
	for (const struct transport *const *t = transports; *t; t++)
		if (!(*t)->absent && !(*t)->is_batched &&
		    is_wanted("round-trip", (*t)->name))
			measure(*t);
}

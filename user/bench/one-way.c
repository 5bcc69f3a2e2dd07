// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records one way, as fast as both sides can: ns for each, and what it costs
 * both.
 */
#include "measure.h"
#include "memory-ring.h"

/*
 * Until all memory has been used twice, by both; the kernel's own is warm
 * sooner.
 */
static uint64_t warm_up_of(const struct transport *transport, size_t bytes)
{
	return strncmp(transport->name, "kernel ", 7) ?
		       2 * FOOTPRINT / bytes + BATCH : 1000;
}

struct one_way {
	const struct transport *transport;
	void *shared;
	size_t bytes;
	uint64_t count;
};

static bool run(struct pair *pair, unsigned int party, void *context)
{
	const struct one_way *job = context;
	const struct transport *transport = job->transport;
	enum transport_role role = party ? CONSUMER : PRODUCER;
	struct side side = side_join(transport, job->shared, job->bytes, role);
	uint64_t warm_up = warm_up_of(transport, job->bytes);
	bool is_right = true;

	pair_meet(pair, party);
	if (role == PRODUCER) {
		transport->produce(&side, warm_up);
		pair_begin(pair, party);
		transport->produce(&side, job->count);
	} else {
		is_right = transport->consume(&side, warm_up);
		pair_begin(pair, party);
		is_right = is_right && transport->consume(&side, job->count);
	}
	pair_end(pair, party);
	pair_meet(pair, party);
	side_leave(transport, &side, role);
	return is_right;
}

/* What the ring asked of the kernel in the last run, for each record. */
static struct {
	double kicks, sleeps, wake_ups;
} asked;

static void note_counts(const struct ring_counts *counts, uint64_t records)
{
	asked.kicks = (double)counts->kicks / (double)records;
	asked.sleeps = (double)counts->sleeps / (double)records;
	asked.wake_ups = (double)counts->wake_ups / (double)records;
}

static const struct pair *run_once(const struct transport *transport,
				   size_t bytes, uint64_t count)
{
	struct one_way job = {
		.transport = transport,
		.shared = transport->open(bytes),
		.bytes = bytes,
		.count = count,
	};
	const struct pair *pair = pair_run(run, &job, transport->is_for_threads,
					   transport->name);

	if (transport->counts)
		note_counts(transport->counts(job.shared),
			    count + warm_up_of(transport, bytes));
	if (transport->close)
		transport->close(job.shared);
	shared_memory_drop();
	return pair;
}

static void measure(const struct transport *transport, size_t bytes)
{
	uint64_t count = count_for("one-way", transport, bytes);
	const struct pair *pair = NULL;
	uint64_t ns;

	if (!count) {
		pair = run_once(transport, bytes, 2000);
		ns = pair->times[1].end - pair->times[0].begin;
		set_count_for("one-way", transport, bytes, 2000, ns);
		count = count_for("one-way", transport, bytes);
	}
	for (unsigned int i = 0; i < TRIES; i++) {
		pair = run_once(transport, bytes, count);
		ns = pair->times[1].end - pair->times[0].begin;
		tell("one-way", transport->name, bytes, "ns",
		     (double)ns / (double)count, pair_mode(pair));
		if (pair_is_good(pair))
			break;
	}
	tell("cpu-producer", transport->name, bytes, "ns",
	     (double)pair->times[0].cpu / (double)count, pair_mode(pair));
	tell("cpu-consumer", transport->name, bytes, "ns",
	     (double)pair->times[1].cpu / (double)count, pair_mode(pair));
	if (!transport->counts)
		return;
	tell("kicks", transport->name, bytes, "per record", asked.kicks,
	     pair_mode(pair));
	tell("sleeps", transport->name, bytes, "per record", asked.sleeps,
	     pair_mode(pair));
	tell("wake-ups", transport->name, bytes, "per record", asked.wake_ups,
	     pair_mode(pair));
}

void measure_one_way(void)
{
	for (const struct transport *const *t = transports; *t; t++) {
		if ((*t)->absent || !is_wanted("one-way", (*t)->name))
			continue;
		for (const size_t *bytes = sizes; *bytes; bytes++)
			if (!(*t)->most || *bytes <= (*t)->most)
				measure(*t, *bytes);
	}
}

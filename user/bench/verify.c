// SPDX-License-Identifier: GPL-2.0-only
/*
 * All bytes of some records, of each contender: measured runs look at the
 * number alone, since comparing more would be what is measured.
 */
#include "measure.h"

/* More than any batch, and once around where records are large. */
#define COUNT 100

struct check {
	const struct transport *transport;
	void *shared;
	size_t bytes;
};

/* Other bytes in each record, but for the number. */
static void fill(unsigned char *record, size_t bytes, uint64_t number)
{
	for (size_t i = sizeof(number); i < bytes; i++)
		record[i] = (unsigned char)(number * 31 + i);
}

static bool is_filled(const unsigned char *record, size_t bytes,
		      uint64_t number)
{
	for (size_t i = sizeof(number); i < bytes; i++)
		if (record[i] != (unsigned char)(number * 31 + i))
			return false;
	return true;
}

static bool run(struct pair *pair, unsigned int party, void *context)
{
	const struct check *job = context;
	const struct transport *transport = job->transport;
	enum transport_role role = party ? CONSUMER : PRODUCER;
	struct side side = side_join(transport, job->shared, job->bytes, role);
	bool is_right = true;

	pair_begin(pair, party);
	for (uint64_t i = 0; i < COUNT && is_right; i++) {
		if (role == PRODUCER) {
			fill(side.buffer, job->bytes, i);
			transport->produce(&side, 1);
		} else {
			is_right = transport->consume(&side, 1) &&
				   is_filled(side.buffer, job->bytes, i);
		}
	}
	pair_end(pair, party);
	pair_meet(pair, party);
	side_leave(transport, &side, role);
	return is_right;
}

static void verify(const struct transport *transport, size_t bytes)
{
	struct check job = {
		.transport = transport,
		.shared = transport->open(bytes),
		.bytes = bytes,
	};

	pair_run(run, &job, transport->is_for_threads, transport->name);
	if (transport->close)
		transport->close(job.shared);
	shared_memory_drop();
}

void verify_all(void)
{
	for (const struct transport *const *t = transports; *t; t++) {
		/* Who reads in place copies no more than the number. */
		if ((*t)->absent || strstr((*t)->name, "in place") ||
		    !is_wanted("one-way", (*t)->name))
			continue;
		for (const size_t *bytes = sizes; *bytes; bytes++)
			if (!(*t)->most || *bytes <= (*t)->most)
				verify(*t, *bytes);
	}
}

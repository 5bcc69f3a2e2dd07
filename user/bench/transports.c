// SPDX-License-Identifier: GPL-2.0-only
/* Who takes part, in the order of reports; and the memory that they are in. */
#include <err.h>
#include <sys/mman.h>

#include "transport.h"

const struct transport *const transports[] = {
	&limit_line,
	&limit_bulk,
	&limit_bulk_cleared,
	&queue_isolated,
	&queue_isolated_waiting,
	&queue_isolated_batch,
	&queue_isolated_place,
	&queue_asymmetric,
	&queue_asymmetric_waiting,
	&queue_asymmetric_batch,
	&queue_asymmetric_place,
	&queue_cleared,
	&queue_cleared_waiting,
	&queue_cleared_batch,
	&queue_cleared_place,
	&queue_both,
	&queue_both_waiting,
	&queue_both_batch,
	&queue_both_place,
	&queue_many,
	&queue_many_waiting,
	&queue_many_batch,
	&queue_many_place,
	&queue_keeping,
	&queue_keeping_waiting,
	&queue_keeping_batch,
	&queue_keeping_place,
	&queue_used,
	&ck_transport,
	&rte_transport,
	&rte_single,
	&rte_batch,
	&boost_transport,
	&moodycamel_transport,
	&spa_transport,
	&atomic_transport,
	&pipe_transport,
	&stream_transport,
	&seqpacket_transport,
	&mqueue_transport,
	&eventfd_transport,
	NULL,
};

/* Few and short-lived: what a run has open. */
static struct {
	void *at;
	size_t bytes;
} areas[64];
static size_t areas_count;

void *shared_memory(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (at == MAP_FAILED ||
	    areas_count == sizeof(areas) / sizeof(*areas))
		err(1, "shared memory");
	areas[areas_count].at = at;
	areas[areas_count++].bytes = bytes;
	return at;
}

void shared_memory_drop(void)
{
	while (areas_count) {
		areas_count--;
		munmap(areas[areas_count].at, areas[areas_count].bytes);
	}
}

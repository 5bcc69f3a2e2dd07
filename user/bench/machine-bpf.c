// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF's ring buffers and perf's, filled and emptied by the programs in
 * ringbuf.bpf.c. They need a file with these in the current directory.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>

#include "machine.h"

#define OBJECT "ringbuf.bpf.o"
#define TIMES 24
#define PERF_PAGES 64

struct bpf {
	struct bpf_object *object;
	struct ring_buffer *ring;
	struct perf_buffer *perf;
	struct user_ring_buffer *requests;
	int nothing;
	int program;
	size_t bytes;
	uint64_t flags;
	bool in_place;
	char record[RECORD_MAX];
	uint64_t taken;
};

static int program_of(const struct bpf *bpf, const char *name)
{
	const struct bpf_program *program =
		bpf_object__find_program_by_name(bpf->object, name);

	need(program, name);
	return bpf_program__fd(program);
}

static int map_of(const struct bpf *bpf, const char *name)
{
	return (int)ok(bpf_object__find_map_fd_by_name(bpf->object, name), name);
}

static void call(const struct bpf *bpf, int program, unsigned int times)
{
	uint64_t args[3] = { times, bpf->bytes, bpf->flags };
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.ctx_in = args,
		.ctx_size_in = sizeof(args),
	};

	ok(bpf_prog_test_run_opts(program, &opts), "BPF_PROG_RUN");
}

static void loop(void *data, unsigned int times)
{
	const struct bpf *bpf = data;

	call(bpf, bpf->nothing, times);
}

static void call_for_nothing(void *data, unsigned int times)
{
	const struct bpf *bpf = data;

	while (times--)
		call(bpf, bpf->nothing, 0);
}

static void produce(void *data, unsigned int times)
{
	const struct bpf *bpf = data;

	call(bpf, bpf->program, times);
}

static int take(void *data, void *record, size_t bytes)
{
	struct bpf *bpf = data;

	bpf->taken++;
	if (!bpf->in_place)
		memcpy(bpf->record, record, bytes);
	return 0;
}

/* What perf puts before a record. */
struct perf_sample {
	struct perf_event_header header;
	uint32_t bytes;
	char record[];
};

static enum bpf_perf_event_ret take_from_perf(void *data, int cpu,
					      struct perf_event_header *header)
{
	struct perf_sample *sample = (struct perf_sample *)header;
	const struct bpf *bpf = data;

	(void)cpu;
	if (header->type != PERF_RECORD_SAMPLE)
		stop("perf buffer: lost records", ENOSPC);
	/* What is handed out ends with up to 7 bytes of padding. */
	take(data, sample->record, bpf->bytes);
	return LIBBPF_PERF_EVENT_CONT;
}

static void consume(void *data, unsigned int times)
{
	struct bpf *bpf = data;

	bpf->taken = 0;
	ok(ring_buffer__consume(bpf->ring), "ring_buffer__consume");
	if (bpf->taken != times)
		stop("BPF ring buffer: lost records", ENOSPC);
}

static void consume_perf(void *data, unsigned int times)
{
	struct bpf *bpf = data;

	bpf->taken = 0;
	ok(perf_buffer__consume(bpf->perf), "perf_buffer__consume");
	if (bpf->taken != times)
		stop("perf buffer: lost records", ENOSPC);
}

static void one_by_one(void *data, unsigned int times)
{
	while (times--) {
		produce(data, 1);
		consume(data, 1);
	}
}

static void one_by_one_perf(void *data, unsigned int times)
{
	while (times--) {
		produce(data, 1);
		consume_perf(data, 1);
	}
}

static void send(void *data, unsigned int times)
{
	struct bpf *bpf = data;
	void *room;

	while (times--) {
		room = user_ring_buffer__reserve(bpf->requests, bpf->bytes);
		need(room, "user_ring_buffer__reserve");
		memcpy(room, bpf->record, bpf->bytes);
		user_ring_buffer__submit(bpf->requests, room);
	}
}

static void drain(void *data, unsigned int times)
{
	const struct bpf *bpf = data;

	(void)times;
	call(bpf, bpf->program, 0);
}

static const struct step copying[] = {
	{ "kernel-produces", produce },
	{ "user-drains", consume },
};

static const struct step in_place[] = {
	{ "kernel-produces in place", produce },
	{ "user-drains in place", consume },
};

static const struct step by_perf[] = {
	{ "kernel-produces", produce },
	{ "user-drains", consume_perf },
};

static const struct step to_kernel[] = {
	{ "user-produces", send },
	{ "kernel-consumes", drain },
};

/* Interrupts by which a processor defers work, of which a wake-up is a part. */
static uint64_t deferred(void)
{
	return number_in("/proc/interrupts", "IWI:");
}

static void of_ring(struct bpf *bpf, double nothing)
{
	uint64_t before;
	char name[20];
	size_t i;

	for (i = 0; i < LENGTHS; i++) {
		bpf->bytes = lengths[i];
		bpf->program = program_of(bpf, "output");
		bpf->flags = BPF_RB_NO_WAKEUP;
		measure("BPF ring NO_WAKEUP", bpf->bytes, TIMES, copying, 2,
			bpf);
		measure_one("one by one, polled", "BPF ring NO_WAKEUP",
			    bpf->bytes, TIMES, one_by_one, bpf, nothing);
		bpf->flags = 0;
		measure("BPF ring adaptive", bpf->bytes, TIMES, copying, 2,
			bpf);
		measure_one("one by one, polled", "BPF ring adaptive",
			    bpf->bytes, TIMES, one_by_one, bpf, nothing);
		before = deferred();
		one_by_one(bpf, 100);
		report("interrupts for 100 polled records", "BPF ring adaptive",
		       bpf->bytes, "count", deferred() - before, 0);

		snprintf(name, sizeof(name), "reserve_%zu", bpf->bytes);
		bpf->program = program_of(bpf, name);
		bpf->flags = BPF_RB_NO_WAKEUP;
		bpf->in_place = true;
		measure("BPF ring NO_WAKEUP", bpf->bytes, TIMES, in_place, 2,
			bpf);
		bpf->in_place = false;
	}
}

static void of_perf(struct bpf *bpf, const char *who, unsigned int wakeup,
		    double nothing)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_RAW,
		.wakeup_events = wakeup,
	};
	uint64_t before;

	bpf->perf = perf_buffer__new_raw(map_of(bpf, "events"), PERF_PAGES,
					 &attr, take_from_perf, bpf, NULL);
	need(bpf->perf, "perf_buffer__new_raw");
	bpf->program = program_of(bpf, "perf");
	for (size_t i = 0; i < LENGTHS; i++) {
		bpf->bytes = lengths[i];
		measure(who, bpf->bytes, TIMES, by_perf, 2, bpf);
		measure_one("one by one, polled", who, bpf->bytes, TIMES,
			    one_by_one_perf, bpf, nothing);
		before = deferred();
		one_by_one_perf(bpf, 100);
		report("interrupts for 100 polled records", who, bpf->bytes,
		       "count", deferred() - before, 0);
	}
	perf_buffer__free(bpf->perf);
}

static void of_requests(struct bpf *bpf)
{
	bpf->requests = user_ring_buffer__new(map_of(bpf, "requests"), NULL);
	need(bpf->requests, "user_ring_buffer__new");
	bpf->program = program_of(bpf, "drain");
	for (size_t i = 0; i < LENGTHS; i++) {
		bpf->bytes = lengths[i];
		measure("BPF user ring", bpf->bytes, TIMES, to_kernel, 2, bpf);
	}
	user_ring_buffer__free(bpf->requests);
}

void run_bpf(void)
{
	static struct bpf bpf;
	double nothing;

	bpf.object = bpf_object__open_file(OBJECT, NULL);
	need(bpf.object, OBJECT);
	ok(bpf_object__load(bpf.object), "BPF programs");
	bpf.ring = ring_buffer__new(map_of(&bpf, "ring"), take, &bpf, NULL);
	need(bpf.ring, "ring_buffer__new");
	bpf.nothing = program_of(&bpf, "nothing");

	nothing = measure_one("trigger", "BPF_PROG_RUN", 0, TIMES,
			      call_for_nothing, &bpf, 0);
	measure_one("kernel-produces nothing", "BPF program's loop", 0, TIMES,
		    loop, &bpf, 0);
	of_ring(&bpf, nothing);
	of_perf(&bpf, "perf buffer, wake-up by each", 1, nothing);
	of_perf(&bpf, "perf buffer, by 512", 512, nothing);
	of_requests(&bpf);
	ring_buffer__free(bpf.ring);
	bpf_object__close(bpf.object);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading and writing memory that is mapped already: by a process, and by the
 * kernel. Where instructions are counted this says that there is no difference
 * in what is executed, and nothing about caches; in an ordinary emulated machine,
 * whether the emulator finds the pages equally fast.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "../../driver/samples/bench.h"
#include "machine.h"

#define BYTES BENCH_MEMORY
#define TIMES 2

static void read_words(void *data, unsigned int times)
{
	const uint64_t *words = data;

	while (times--)
		for (size_t i = 0; i < BYTES / sizeof(*words); i++)
			(void)__atomic_load_n(&words[i], __ATOMIC_RELAXED);
}

static void write_words(void *data, unsigned int times)
{
	uint64_t *words = data;

	while (times--)
		for (size_t i = 0; i < BYTES / sizeof(*words); i++)
			poke(&words[i], i);
}

static char *source;

static void copy_in(void *data, unsigned int times)
{
	while (times--)
		memcpy(data, source, BYTES);
}

static const struct step by_user[] = {
	{ "user reads words", read_words },
	{ "user writes words", write_words },
	{ "user copies to it", copy_in },
};

struct by_kernel {
	struct shmdev_segment *segment;
	unsigned int operation;
};

static void kernel(void *data, unsigned int times)
{
	const struct by_kernel *what = data;

	ok(shmdev_segment_kick(what->segment, BENCH_ARGUMENT(what->operation,
							     times, BYTES)),
	   "KICK");
}

static void measure_kernel(struct shmdev_segment *segment)
{
	static const struct {
		const char *what;
		const char *who;
		unsigned int operation;
	} operations[] = {
		{ "kernel copies from it", "shmdev", BENCH_COPY_SEGMENT },
		{ "kernel copies from it", "vmalloc", BENCH_COPY_VMALLOC },
		{ "kernel copies from it", "kmalloc", BENCH_COPY_LINEAR },
		{ "kernel reads words", "shmdev", BENCH_SUM_SEGMENT },
		{ "kernel reads words", "vmalloc", BENCH_SUM_VMALLOC },
		{ "kernel reads words", "kmalloc", BENCH_SUM_LINEAR },
	};
	struct by_kernel what = { .segment = segment };

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		what.operation = operations[i].operation;
		measure_one(operations[i].what, operations[i].who, BYTES, TIMES,
			    kernel, &what, 0);
	}
}

void run_memory(void)
{
	struct shmdev_segment *segment;
	struct contender contenders[2];
	void *mapped, *own;

	source = calloc(1, BYTES);
	need(source, "calloc");
	set("/sys/module/shmdev_bench/parameters/kind", "0");
	segment = segment_for("bench", BYTES);
	ok(shmdev_segment_map(segment, 0, 0, PROT_READ | PROT_WRITE, &mapped),
	   "map");
	own = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(own != MAP_FAILED, "mmap");
	contenders[0] = (struct contender){ "shmdev", mapped };
	contenders[1] = (struct contender){ "anonymous", own };
	measure_beside(contenders, 2, BYTES, TIMES, by_user,
		       ARRAY_SIZE(by_user));
	measure_kernel(segment);
	free(source);
	munmap(own, BYTES);
	shmdev_segment_unmap(mapped, BYTES);
	shmdev_segment_close(segment);
}

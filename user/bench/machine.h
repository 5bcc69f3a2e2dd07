/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is measured in a machine: how many instructions it takes, those of the
 * kernel among them, in a machine whose clock counts them (scripts/vm --icount).
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shmdev-ring.h>

#define DEVICE		"/dev/shmdev"
#define RING_BYTES	(256 * 1024UL)
#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* Lengths of records. */
extern const size_t lengths[];
#define LENGTHS 5
#define RECORD_MAX 4096

/* Ends the program unless @condition, with what errno means. */
#define need(condition, what) do {					\
	if (!(condition))						\
		stop(what, errno);					\
} while (0)
_Noreturn void stop(const char *what, int error);
/* The same for what returns -errno; gives back what is no error. */
long ok(long result, const char *what);

/* One of the things that are done in turn, each @times in a row. */
struct step {
	const char *what;
	void (*run)(void *data, unsigned int times);
};

/*
 * Runs the steps in turn, and prints for each what one time costs: what twice as
 * many cost more, of the cheapest of several batches. So neither the call that
 * begins a batch counts nor a timer's interrupt in one of them.
 */
void measure(const char *who, size_t bytes, unsigned int times,
	     const struct step *steps, size_t count, void *data);

/* Of one that is compared with others, and what the steps are to be run on. */
struct contender {
	const char *who;
	void *data;
};

/* The same of several, batch by batch: what a machine is doing meets them all. */
void measure_beside(const struct contender *contenders, size_t contender_count,
		    size_t bytes, unsigned int times, const struct step *steps,
		    size_t count);
/* The same of one step, less @minus. Returns the figure. */
double measure_one(const char *what, const char *who, size_t bytes,
		   unsigned int times, void (*run)(void *, unsigned int),
		   void *data, double minus);

/* Prints a figure. */
void report(const char *what, const char *who, size_t bytes, const char *unit,
	    double value, unsigned int repetition);

/* Instructions, or in an ordinary machine nanoseconds. */
uint64_t now(void);
extern const char *mode;
extern const char *unit;

/* A write that the compiler does not leave out. */
static inline void poke(void *word, uint64_t value)
{
	__atomic_store_n((uint64_t *)word, value, __ATOMIC_RELAXED);
}

/* Writes to a file in /proc or /sys. */
void set(const char *path, const char *value);
/* The first number in the line of @path that contains @key. */
uint64_t number_in(const char *path, const char *key);

/* /dev/shmdev */
extern struct shmdev_device *device;
struct shmdev_segment *segment_for(const char *endpoint, uint64_t bytes);
/* A segment whose kernel side is that of the ring the parameters say. */
struct shmdev_segment *segment_with_ring(unsigned int kind,
					 unsigned int readers, bool consumes);
/* Wake-ups by the driver since this was last asked. */
uint64_t wake_ups(void);

struct subject {
	const char *name;
	void (*run)(void);
};

void run_kernel_ring(void);
void run_bpf(void);
void run_device(void);
void run_calls(void);
void run_pingpong(void);
void run_segments(void);
void run_touch(void);
void run_memory(void);

#endif /* MACHINE_H */

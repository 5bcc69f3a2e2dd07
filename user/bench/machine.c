// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: machine icount|tcg [SUBJECT...]
 *
 * Prints a line for each figure: what, who, bytes, unit, value, mode, repetition.
 */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

/* Instructions are the same again but for interrupts; times are not. */
#define BATCHES		(is_counting ? 15 : 60)
#define REPETITIONS	(is_counting ? 3 : 9)
/* Of all contenders. */
#define STEPS_MAX	8

const size_t lengths[LENGTHS] = { 8, 64, 256, 1024, RECORD_MAX };
const char *mode;
const char *unit = "instructions";
struct shmdev_device *device;
static bool is_counting;

void stop(const char *what, int error)
{
	fflush(stdout);
	fprintf(stderr, "machine: %s: %s\n", what, strerror(error));
	exit(1);
}

long ok(long result, const char *what)
{
	if (result < 0)
		stop(what, (int)-result);
	return result;
}

/* The time stamp counter is the count itself; clock_gettime() scales it. */
uint64_t now(void)
{
	struct timespec time;

	if (is_counting)
		return __builtin_ia32_rdtsc();
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

void report(const char *what, const char *who, size_t bytes, const char *of,
	    double value, unsigned int repetition)
{
	printf("%s\t%s\t%zu\t%s\t%.1f\t%s\t%u\n", what, who, bytes, of, value,
	       mode, repetition);
}

static uint64_t cost(const struct step *step, void *data, unsigned int times)
{
	uint64_t begin = now();

	step->run(data, times);
	return now() - begin;
}

/* @figures: those of the first contender, then those of the second. */
static void repeat(double figures[STEPS_MAX], unsigned int times,
		   const struct contender *contenders, size_t contender_count,
		   const struct step *steps, size_t count)
{
	size_t all = contender_count * count, i;
	uint64_t best[STEPS_MAX][2], one;

	need(all <= STEPS_MAX, "fewer steps");
	memset(best, 0xff, sizeof(best));
	for (int batch = 0; batch < BATCHES; batch++) {
		for (int twice = 0; twice < 2; twice++) {
			for (i = 0; i < all; i++) {
				one = cost(&steps[i % count],
					   contenders[i / count].data,
					   times << twice);
				if (one < best[i][twice])
					best[i][twice] = one;
			}
		}
	}
	for (i = 0; i < all; i++)
		figures[i] = ((double)best[i][1] - (double)best[i][0]) / times;
}

void measure_beside(const struct contender *contenders, size_t contender_count,
		    size_t bytes, unsigned int times, const struct step *steps,
		    size_t count)
{
	double figures[STEPS_MAX];

	for (unsigned int i = 0; i < REPETITIONS; i++) {
		repeat(figures, times, contenders, contender_count, steps,
		       count);
		for (size_t j = 0; j < contender_count * count; j++)
			report(steps[j % count].what, contenders[j / count].who,
			       bytes, unit, figures[j], i);
	}
}

void measure(const char *who, size_t bytes, unsigned int times,
	     const struct step *steps, size_t count, void *data)
{
	const struct contender one = { who, data };

	measure_beside(&one, 1, bytes, times, steps, count);
}

double measure_one(const char *what, const char *who, size_t bytes,
		   unsigned int times, void (*run)(void *, unsigned int),
		   void *data, double minus)
{
	const struct contender contender = { who, data };
	const struct step step = { what, run };
	double figures[STEPS_MAX];

	for (unsigned int i = 0; i < REPETITIONS; i++) {
		repeat(figures, times, &contender, 1, &step, 1);
		report(what, who, bytes, unit, figures[0] - minus, i);
	}
	return figures[0] - minus;
}

void set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	need(fd >= 0, path);
	need(write(fd, value, strlen(value)) == (ssize_t)strlen(value), path);
	close(fd);
}

uint64_t number_in(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	uint64_t number = 0;
	char line[512];
	const char *found;

	need(file, path);
	while (fgets(line, sizeof(line), file)) {
		found = strstr(line, key);
		if (found)
			number = strtoull(found + strlen(key), NULL, 10);
	}
	fclose(file);
	return number;
}

struct shmdev_segment *segment_for(const char *endpoint, uint64_t bytes)
{
	const struct shmdev_segment_options options = {
		.size = sizeof(options),
		.endpoint = endpoint,
	};
	struct shmdev_segment *segment;

	ok(shmdev_segment_create(device, NULL, bytes, &options, &segment),
	   "CREATE");
	return segment;
}

#define PARAMETERS "/sys/module/shmdev_bench/parameters/"

struct shmdev_segment *segment_with_ring(unsigned int kind,
					 unsigned int readers, bool consumes)
{
	uint64_t pages = 2 + readers;
	char text[16];

	snprintf(text, sizeof(text), "%u", kind);
	set(PARAMETERS "kind", text);
	snprintf(text, sizeof(text), "%u", readers);
	set(PARAMETERS "readers", text);
	set(PARAMETERS "consumes", consumes ? "1" : "0");
	return segment_for("bench", pages * sysconf(_SC_PAGESIZE) + RING_BYTES);
}

#define TRACING "/sys/kernel/tracing/"

uint64_t wake_ups(void)
{
	static uint64_t before;
	uint64_t all = number_in(TRACING "per_cpu/cpu0/stats", "entries: ");
	uint64_t since = all - before;

	before = all;
	return since;
}

static const struct subject subjects[] = {
	{ "calls", run_calls },
	{ "kernel-ring", run_kernel_ring },
	{ "bpf", run_bpf },
	{ "device", run_device },
	{ "pingpong", run_pingpong },
	{ "segments", run_segments },
	{ "touch", run_touch },
	{ "memory", run_memory },
};

static bool is_wanted(const struct subject *subject, char **names)
{
	if (!*names)
		return true;
	while (*names && strcmp(subject->name, *names))
		names++;
	return *names;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fputs("usage: machine icount|tcg [SUBJECT...]\n", stderr);
		return 2;
	}
	mode = argv[1];
	is_counting = !strcmp(mode, "icount");
	if (!is_counting)
		unit = "ns";
	ok(shmdev_device_open(NULL, O_RDWR, &device), DEVICE);
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		if (!is_wanted(&subjects[i], argv + 2))
			continue;
		fprintf(stderr, "machine: %s\n", subjects[i].name);
		subjects[i].run();
		fflush(stdout);
	}
	shmdev_device_close(device);
	return 0;
}

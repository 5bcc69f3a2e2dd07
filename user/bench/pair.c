// SPDX-License-Identifier: GPL-2.0-only
#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pair.h"

#define PROBES 9
#define PROBE_ROUNDS 200
/*
 * ns there and back, of a probe: two threads of a core take 50; two cores of
 * one cache 105, where eight share it, to 300, where all of a large chip do;
 * others take 500.
 */
#define SMT_MOST 75
#define NEAR_MOST 380
/* Two probes of one run do not differ by more. */
#define SAME_FACTOR 1.3
/* Longer than any run; then something waits for what never comes. */
#define SECONDS_MOST 30

static int cpus[2] = { -1, -1 };
static char complaint[128];

uint64_t pair_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t pair_cpu_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static long preemptions(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

bool pair_choose_cpus(int first, int second)
{
	cpu_set_t allowed;
	unsigned int found = 0;

	cpus[0] = first;
	cpus[1] = second;
	if (first >= 0)
		return second >= 0 && first != second;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		err(1, "sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			cpus[found++] = cpu;
	return found == 2;
}

void pair_pin(unsigned int party)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpus[party], &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "cannot run on processor %d", cpus[party]);
}

/*
 * For 10 ms at a time and with rests between them, so that it is never the
 * kernel who takes the processor away from who has had it for too long.
 */
void pair_insist(bool does)
{
	const struct sched_param priority = { .sched_priority = does };

	sched_setscheduler(0, does ? SCHED_FIFO : SCHED_OTHER, &priority);
}

void pair_meet(struct pair *pair, unsigned int party)
{
	uint64_t *mine = &pair->meeting[party].word;
	uint64_t *other = &pair->meeting[!party].word;
	uint64_t times = *mine + 1;

	__atomic_store_n(mine, times, __ATOMIC_RELEASE);
	while (__atomic_load_n(other, __ATOMIC_ACQUIRE) < times)
		spin_hint();
}

void pair_bounce(struct pair *pair, unsigned int party, uint64_t rounds)
{
	uint64_t *mine = &pair->lines[party].word;
	uint64_t *other = &pair->lines[!party].word;
	uint64_t last = *mine + rounds;

	for (uint64_t i = *mine + 1; i <= last; i++) {
		if (!party)
			__atomic_store_n(mine, i, __ATOMIC_RELEASE);
		while (__atomic_load_n(other, __ATOMIC_ACQUIRE) != i)
			spin_hint();
		if (party)
			__atomic_store_n(mine, i, __ATOMIC_RELEASE);
	}
}

static int compare_doubles(const void *a, const void *b)
{
	const double *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

static void probe(struct pair *pair, unsigned int party, unsigned int which)
{
	double ns[PROBES];

	pair_meet(pair, party);
	for (unsigned int i = 0; i < PROBES; i++) {
		uint64_t begin = pair_clock();

		pair_bounce(pair, party, PROBE_ROUNDS);
		ns[i] = (double)(pair_clock() - begin) / PROBE_ROUNDS;
	}
	if (party)
		return;
	qsort(ns, PROBES, sizeof(*ns), compare_doubles);
	pair->bounce[which] = ns[PROBES / 2];
}

void pair_begin(struct pair *pair, unsigned int party)
{
	struct pair_times *times = &pair->times[party];

	times->preempted = preemptions();
	pair_meet(pair, party);
	times->cpu = pair_cpu_clock();
	times->begin = pair_clock();
}

void pair_end(struct pair *pair, unsigned int party)
{
	struct pair_times *times = &pair->times[party];

	times->end = pair_clock();
	times->cpu = pair_cpu_clock() - times->cpu;
	times->preempted = preemptions() - times->preempted;
}

static const char *mode_of(double bounce)
{
	if (bounce < SMT_MOST)
		return "smt";
	return bounce < NEAR_MOST ? "near" : "far";
}

bool pair_is_good(const struct pair *pair)
{
	double ratio = pair->bounce[0] / pair->bounce[1];

	return ratio < SAME_FACTOR && 1 / ratio < SAME_FACTOR &&
	       !pair->times[0].preempted && !pair->times[1].preempted;
}

const char *pair_mode(const struct pair *pair)
{
	if (pair->times[0].preempted || pair->times[1].preempted)
		return "preempted";
	return pair_is_good(pair) ? mode_of(pair->bounce[0]) : "moved";
}

struct party {
	struct pair *pair;
	pair_body *body;
	void *context;
};

/* What is between the two probes, and they. */
static bool take_part(const struct party *party, unsigned int which)
{
	bool is_right;

	probe(party->pair, which, 0);
	is_right = party->body(party->pair, which, party->context);
	probe(party->pair, which, 1);
	return is_right;
}

/*
 * On its own processor before it says that it is there: the parent then spins,
 * and would keep it from ever getting off the parent's.
 */
static bool be_child(const struct party *party)
{
	bool is_right;

	pair_pin(1);
	pair_insist(true);
	__atomic_store_n(&party->pair->is_ready.word, 1, __ATOMIC_RELEASE);
	is_right = take_part(party, 1);
	pair_insist(false);
	return is_right;
}

static void *be_thread(void *context)
{
	return be_child(context) ? context : NULL;
}

static void takes_too_long(int number)
{
	(void)number;
	if (write(2, complaint, strlen(complaint)) < 0)
		_exit(2);
	_exit(1);
}

static void wait_for_child(struct pair *pair)
{
	while (!__atomic_load_n(&pair->is_ready.word, __ATOMIC_ACQUIRE))
		usleep(50);
}

static bool with_process(struct party *party)
{
	pid_t parent = getpid();
	pid_t child = fork();
	int status = 1;
	bool is_right;

	if (child < 0)
		err(1, "fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		alarm(SECONDS_MOST);
		_exit(!be_child(party));
	}
	wait_for_child(party->pair);
	pair_insist(true);
	is_right = take_part(party, 0);
	pair_insist(false);
	return waitpid(child, &status, 0) == child && !status && is_right;
}

static bool with_thread(struct party *party)
{
	void *returned = NULL;
	pthread_t thread;
	bool is_right;

	if (pthread_create(&thread, NULL, be_thread, party))
		errx(1, "no thread");
	wait_for_child(party->pair);
	pair_insist(true);
	is_right = take_part(party, 0);
	pair_insist(false);
	pthread_join(thread, &returned);
	return returned && is_right;
}

struct pair *pair_run(pair_body *body, void *context, bool is_for_threads,
		      const char *what)
{
	static struct pair *pair;
	struct party party = { .body = body, .context = context };
	bool is_right;

	/* Of the last run; anew, so that both find it as cold as the other. */
	if (pair)
		munmap(pair, sizeof(*pair));
	pair = mmap(NULL, sizeof(*pair), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pair == MAP_FAILED)
		err(1, "mmap");
	party.pair = pair;
	snprintf(complaint, sizeof(complaint),
		 "native: %s: one waits for what never comes\n", what);
	signal(SIGALRM, takes_too_long);
	alarm(SECONDS_MOST);
	pair_pin(0);
	is_right = is_for_threads ? with_thread(&party) : with_process(&party);
	if (!is_right)
		errx(1, "%s: the records are not those that were sent", what);
	alarm(0);
	/* A rest for all others, see pair_insist(). */
	usleep(1500);
	return pair;
}

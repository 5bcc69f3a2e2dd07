/* SPDX-License-Identifier: MIT */
/*
 * What the models of the ring share.
 *
 * A model is a protocol of the library with as little around it as possible: the
 * same steps in the same order with the same memory orders, under the names that
 * they have there. Relacy runs it under its own scheduler and its own memory, in
 * which a load may return what was true once; it finds races, deadlocks and
 * broken assertions.
 *
 * A model that finds nothing says nothing unless it would find something. So
 * each has a list of weakenings, each of which takes away one thing that the
 * protocol needs, and Relacy has to find out. They are arguments, not
 * -D options: the compiler takes longer than the search.
 *
 * Relacy's full barriers are somewhat stronger than those of C: whoever comes to
 * one later has seen all that others did before theirs. The processors that we
 * run on keep that.
 */
#ifndef MODEL_HPP
#define MODEL_HPP

#include <relacy/relacy.hpp>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* It hides those of the library's names that are also C's; not wanted here. */
#undef new
#undef delete
#undef malloc
#undef free
#undef errno

typedef rl::atomic<unsigned> word;

/* 0: as in the library. Otherwise the number of what is taken away. */
static unsigned int weakening;

static inline bool weak(unsigned int which)
{
	return weakening == which;
}

static inline rl::memory_order unless(unsigned int which,
				      rl::memory_order order)
{
	return weak(which) ? rl::mo_relaxed : order;
}

/* What happens before each step; see death.cpp. */
#ifndef STEP
#define STEP() ((void)0)
#endif

static inline unsigned int load_word(const word &from, rl::memory_order order,
				     rl::debug_info_param where)
{
	return from.load(order, where);
}

static inline void store_word(word &to, unsigned int value,
			      rl::memory_order order,
			      rl::debug_info_param where)
{
	to.store(value, order, where);
}

#define load_as(word, order) (STEP(), load_word(word, order, $))
#define store_as(word, value, order) (STEP(), store_word(word, value, order, $))
#define load(word) load_as(word, rl::mo_relaxed)
#define load_acquire(word) load_as(word, rl::mo_acquire)
#define store(word, value) store_as(word, value, rl::mo_relaxed)
#define store_release(word, value) store_as(word, value, rl::mo_release)
#define fence(order) rl::atomic_thread_fence(order, $)
/* membarrier(): a full one in each thread. */
#define fence_for_all() rl::systemwide_fence($)
#define compare_exchange(word, old, value, order) \
	(STEP(), (word).compare_exchange_strong(old, value, order, $, \
						rl::mo_relaxed, $))

/* Positions and sequence numbers go round. */
static inline bool is_before(unsigned int a, unsigned int b)
{
	return (int)(a - b) < 0;
}

/* No position: here those are no multiples of 8. */
#define NOBODY (~0u)
#define FAR (1u << 30)

/*
 * WAIT and WAKE as the driver has them: the word is compared and the sleeper
 * queued under a lock that the waker takes after it has changed the word.
 */
class kernel {
	rl::mutex lock;

public:
	struct queue {
		rl::condition_variable_any sleepers;
	};
	enum { EAGAIN_ = 1, ETIMEDOUT_ };

	/* The weakenings that have it not look at the word, or at the ends. */
	unsigned int blind, blind_to_ends;

	explicit kernel(unsigned int blind = 0, unsigned int blind_to_ends = 0)
		: blind(blind), blind_to_ends(blind_to_ends), ended(0)
	{
	}

	int wait(queue &on, const word &at, unsigned int expected,
		 bool has_deadline = false)
	{
		return wait_peers(on, at, expected, ended, has_deadline);
	}

	/* Also not if a peer has ended of whose end @ends does not know. */
	int wait_peers(queue &on, const word &at, unsigned int expected,
		       unsigned int ends, bool has_deadline = false)
	{
		int ret = 0;

		lock.lock($);
		if (load_word(at, rl::mo_relaxed, $) != expected &&
		    !(blind && weak(blind)))
			ret = EAGAIN_;
		else if (ends != ended &&
			 !(blind_to_ends && weak(blind_to_ends)))
			ret = EAGAIN_;
		else if (!has_deadline)
			on.sleepers.wait(lock, $);
		else if (!on.sleepers.wait_for(lock, 0, $))
			ret = ETIMEDOUT_;
		lock.unlock($);
		return ret;
	}

	void wake(queue &on, bool everyone)
	{
		lock.lock($);
		if (everyone)
			on.sleepers.notify_all($);
		else
			on.sleepers.notify_one($);
		lock.unlock($);
	}

	/* Party @id has ended. */
	void end(unsigned int id)
	{
		lock.lock($);
		gone[id] = true;
		ended++;
		lock.unlock($);
	}

	/* How many have, so far. */
	unsigned int ends()
	{
		unsigned int now;

		lock.lock($);
		now = ended;
		lock.unlock($);
		return now;
	}

	bool has_ended(unsigned int id)
	{
		bool is_gone;

		lock.lock($);
		is_gone = gone[id];
		lock.unlock($);
		return is_gone;
	}

private:
	unsigned int ended;
	bool gone[8] = {};
};

/*
 * Running them. Each model has ways to look for failures, which differ in what
 * is small enough to be searched in full.
 */
struct search {
	const char *name;
	rl::scheduler_type_e scheduler;
	unsigned int bound;		/* of switches, for sched_bound */
	unsigned long iterations;	/* for sched_random */
	bool (*simulate)(rl::test_params &params);
	void (*prepare)(void);		/* sets the size of the model */
};

struct null_buffer : std::streambuf {
	int overflow(int c) { return c; }
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* Whether nothing was found. */
static bool run_search(const struct search *search, std::ostream &out,
		       rl::test_params *params)
{
	static null_buffer nowhere;
	static std::ostream silence(&nowhere);

	params->output_stream = &out;
	params->progress_stream = &silence;
	params->search_type = search->scheduler;
	params->context_bound = search->bound;
	params->iteration_count = search->iterations;
	params->execution_depth_limit = 5000;
	if (search->prepare)
		search->prepare();
	return search->simulate(*params);
}

/* Whether a search does, in up to @most iterations if that can be said. */
static bool finds(const struct search *searches, unsigned int count,
		  unsigned long most)
{
	null_buffer nowhere;
	std::ostream silence(&nowhere);

	for (unsigned int i = 0; i < count; i++) {
		struct search search = searches[i];
		rl::test_params params;

		if (most != -1UL) {
			if (search.scheduler != rl::sched_random)
				continue;
			search.iterations = most;
		}
		if (run_search(&search, silence, &params))
			continue;
		printf("# %s, found by %s after %lu\n",
		       rl::test_result_str(params.test_result), search.name,
		       (unsigned long)params.stop_iteration);
		return true;
	}
	return false;
}

/*
 * TAP: each search finds nothing; with each weakening one of them finds
 * something. With an argument: only that weakening, and how it fails.
 */
static int run_model(int argc, char **argv, const char *name,
		     const struct search *searches, unsigned int search_count,
		     const char *const *weakenings,
		     unsigned int weakening_count)
{
	unsigned int seen = 0, failed = 0;
	null_buffer nowhere;
	std::ostream silence(&nowhere);

	if (argc > 1) {
		weakening = strtoul(argv[1], NULL, 10);
		for (unsigned int i = 0; i < search_count; i++) {
			rl::test_params params;

			if (!run_search(&searches[i], std::cout, &params))
				return 1;
		}
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("# program %s\n", name);
	printf("1..%u\n", search_count + weakening_count);
	for (unsigned int i = 0; i < search_count; i++) {
		rl::test_params params;
		double began = now();
		bool ok = run_search(&searches[i], silence, &params);

		printf("# %s: %s after %lu iterations, %.1f s\n",
		       searches[i].name,
		       rl::test_result_str(params.test_result),
		       (unsigned long)params.stop_iteration, now() - began);
		printf("%sok %u %s\n", ok ? "" : "not ", ++seen,
		       searches[i].name);
		failed += !ok;
	}
	for (weakening = 1; weakening <= weakening_count; weakening++) {
		bool found = false;

		for (unsigned long most = 1000; !found && most;
		     most = most == 1000 ? 30000 : most == 30000 ? -1UL : 0)
			found = finds(searches, search_count, most);
		printf("%sok %u fails if %s\n", found ? "" : "not ", ++seen,
		       weakenings[weakening - 1]);
		failed += !found;
	}
	return failed != 0;
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#endif /* MODEL_HPP */

/* SPDX-License-Identifier: MIT */
/*
 * How a lesson tells its story: it says what comes next, does it, and says what
 * was seen. Nothing is said to be so that was not seen to be so.
 */
#ifndef STORY_H
#define STORY_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * What comes next, in plain words, before it is done. Somebody at a terminal is
 * waited for.
 */
__attribute__((format(printf, 1, 2)))
static inline void step(const char *format, ...)
{
	static int steps;
	va_list arguments;

	if (steps++ && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
		printf("  [Enter] ");
		while (getchar() != '\n' && !feof(stdin))
			;
	}
	printf("\n%d. ", steps);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	/* A child that is forked now must not print it again. */
	fflush(stdout);
}

/* What was seen. A lesson that is wrong ends: it must not be believed. */
#define shows(condition, ...) do {					\
	bool is_so_ = (condition);					\
									\
	printf("   %s ", is_so_ ? "->" : "NOT SO:");			\
	printf(__VA_ARGS__);						\
	printf("\n");							\
	fflush(stdout);							\
	if (!is_so_)							\
		exit(EXIT_FAILURE);					\
} while (0)

/* What was measured, or why there is nothing to see: it is not right or wrong. */
#define tell(...) shows(true, __VA_ARGS__)

/* A call that says -1 or MAP_FAILED, and why in errno. Its value. */
#define must(call) ({							\
	__typeof__(call) result_ = (call);				\
									\
	if ((intptr_t)result_ == -1) {					\
		fprintf(stderr, "%s: %s\n", #call, strerror(errno));	\
		exit(EXIT_FAILURE);					\
	}								\
	result_;							\
})

/* A function of libshmdev, which returns -errno. Its value. */
#define must_do(call) ({						\
	int done_ = (call);						\
									\
	if (done_ < 0) {						\
		fprintf(stderr, "%s: %s\n", #call, strerror(-done_));	\
		exit(EXIT_FAILURE);					\
	}								\
	done_;								\
})

/* A function whose name begins with pthread_, which returns an errno. */
#define must_0(call) must_do(-(call))

#endif /* STORY_H */

// SPDX-License-Identifier: GPL-2.0-only
/* Times on the command line and in what we print. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "cli.h"

/* Longer than anybody waits, and a time_t everywhere. */
#define SECONDS_MAX 1e9

int parse_seconds(const char *text, struct timespec *time)
{
	char *end;
	double seconds = strtod(text, &end);

	/* strtod() would take blanks, signs and words too. */
	if (!isdigit((unsigned char)*text) || *end || seconds > SECONDS_MAX)
		return -EINVAL;
	time->tv_sec = (time_t)seconds;
	time->tv_nsec = (long)((seconds - (double)time->tv_sec) * 1e9);
	return 0;
}

int seconds_argument(const char *what, const char *text, struct timespec *time)
{
	if (parse_seconds(text, time) < 0)
		return usage_error("the %s '%s' is not a number of seconds "
				   "such as 10 or 0.5", what, text);
	return STATUS_OK;
}

struct timespec time_from_now(const struct timespec *after)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_sec += after->tv_sec;
	time.tv_nsec += after->tv_nsec;
	if (time.tv_nsec >= 1000000000) {
		time.tv_nsec -= 1000000000;
		time.tv_sec++;
	}
	return time;
}

void sleep_until(const struct timespec *time)
{
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, time, NULL) ==
	       EINTR)
		;
}

double seconds_between(const struct timespec *from, const struct timespec *to)
{
	return (to->tv_sec - from->tv_sec) +
	       (to->tv_nsec - from->tv_nsec) / 1e9;
}

void print_time(FILE *to, uint64_t nanoseconds)
{
	time_t seconds = nanoseconds / 1000000000;
	char text[sizeof("-2147483648-00-00T00:00:00+0000")];
	struct tm tm;

	if (localtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%FT%T%z", &tm))
		fputs(text, to);
}

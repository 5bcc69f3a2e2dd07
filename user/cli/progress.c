// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

struct progress {
	uint64_t total;	/* 0: not known */
	time_t shown;	/* when the line was last written, or the beginning */
	bool visible;
};

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* NULL if nobody looks, or there is no memory for what is only a comfort. */
struct progress *progress_begin(uint64_t total)
{
	struct progress *progress = NULL;

	if (isatty(STDERR_FILENO))
		progress = calloc(1, sizeof(*progress));
	if (progress) {
		progress->total = total;
		progress->shown = now();
	}
	return progress;
}

void progress_at(struct progress *progress, uint64_t done)
{
	if (!progress || now() <= progress->shown)
		return;
	progress->shown = now();
	progress->visible = true;
	fprintf(stderr, "\rshmdev %s: ", verb_name());
	print_bytes(stderr, done);
	if (progress->total) {
		fprintf(stderr, " of ");
		print_bytes(stderr, progress->total);
	}
	/* To the end of the line, in case that it was longer before. */
	fprintf(stderr, "\033[K");
}

void progress_end(struct progress *progress)
{
	if (progress && progress->visible)
		fprintf(stderr, "\r\033[K");
	free(progress);
}

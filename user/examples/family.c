// SPDX-License-Identifier: MIT
/*
 * Lesson 3: memory that a family shares. What fork() copies, what it does not,
 * and the same with a segment.
 */
#include "lesson.h"

/* @segment: where the counter is, or NULL if that is in none. */
static void child_counts(int *counter, const struct shmdev_segment *segment)
{
	pid_t child = fork_now();

	/* From here on there are two processes. In the child's copy this is 0. */
	if (!child) {
		*counter += 1;
		if (segment) {
			shows(mappings_of(segment) == 2, "there are 2 mappings:");
			draw(segment);
		}
		exit(EXIT_SUCCESS);
	}
	join_child(child);
}

int main(void)
{
	struct shmdev_device *device;
	struct shmdev_segment *segment;
	void *memory;
	int own = 41;
	int *counter;

	step("A variable of this process is 41. After fork() the child has a\n"
	     "   copy of it, and adds 1 to that.");
	child_counts(&own, NULL);
	shows(own == 41,
	      "the parent still reads %d: the copy has gone with the child", own);

	step("mmap() with MAP_SHARED | MAP_ANONYMOUS: pages without a file, which\n"
	     "   fork() does not copy. The child adds 1 there.");
	counter = must(mmap(NULL, sizeof(*counter), READ_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	*counter = 41;
	child_counts(counter, NULL);
	shows(*counter == 42, "the parent reads %d", *counter);
	must(munmap(counter, sizeof(*counter)));

	device = shmdev_half();
	step("The same with a segment without a name, which only the family can\n"
	     "   reach, too. But the kernel knows who has it mapped.");
	must_do(shmdev_segment_create(device, NULL, A_PAGE, NULL, &segment));
	must_do(shmdev_segment_map(segment, 0, 0, READ_WRITE, &memory));
	counter = memory;
	*counter = 41;
	child_counts(counter, segment);
	shows(*counter == 42, "the parent reads %d", *counter);
	clean_up(device, segment, memory);
	return EXIT_SUCCESS;
}

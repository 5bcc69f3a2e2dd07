// SPDX-License-Identifier: MIT
/*
 * Lesson 3: memory that a family shares. What fork() copies, what it does not,
 * and the same with a segment.
 */
#include "lesson.h"

static void child_counts(int *counter)
{
	pid_t pid = fork_now();

	if (!pid) {
		*counter += 1;
		exit(EXIT_SUCCESS);
	}
	join_child(pid);
}

int main(void)
{
	const int rights = PROT_READ | PROT_WRITE;
	struct shmdev_device *device;
	struct shmdev_segment *segment;
	void *memory;
	int own = 41;
	int *counter;

	step("A variable of this process is 41. After fork() the child has a\n"
	     "   copy of it, and adds 1 to that.");
	child_counts(&own);
	shows(own == 41, "the parent still reads %d: the copy has gone with the child",
	      own);

	step("mmap() with MAP_SHARED | MAP_ANONYMOUS: pages without a file, which\n"
	     "   fork() does not copy. The child adds 1 there.");
	counter = must(mmap(NULL, sizeof(*counter), rights,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	*counter = 41;
	child_counts(counter);
	shows(*counter == 42, "the parent reads %d", *counter);
	must(munmap(counter, sizeof(*counter)));

	device = shmdev_half();
	step("The same with a segment. It has no name, so only the family can\n"
	     "   reach it; but now there is a file descriptor that can be handed on\n"
	     "   to strangers, and 'shmdev ps' names who has it mapped.");
	must_do(shmdev_segment_create(device, NULL, sysconf(_SC_PAGESIZE),
				      NULL, &segment));
	must_do(shmdev_segment_map(segment, 0, 0, rights, &memory));
	counter = memory;
	*counter = 41;
	child_counts(counter);
	shows(*counter == 42, "the parent reads %d", *counter);
	shmdev_segment_unmap(memory, shmdev_segment_bytes(segment));
	shmdev_segment_close(segment);
	shmdev_device_close(device);
	return EXIT_SUCCESS;
}

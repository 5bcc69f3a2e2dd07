// SPDX-License-Identifier: MIT
/*
 * Lesson 3: memory that a family shares. What fork() copies, what it does not,
 * and the same with a segment.
 */
#include "lesson.h"

/* Parent and child, in whichever order. */
static void show_family(const struct shmdev_segment *segment)
{
	struct shmdev_mapping_info one = { .size = sizeof(one) };
	struct shmdev_mapping_info other = { .size = sizeof(other) };
	struct shmdev_mapping_list *list;
	size_t count;

	must_do(shmdev_segment_mappings(segment, &list));
	count = shmdev_mapping_list_count(list);
	must_do(shmdev_mapping_list_get(list, 0, &one));
	must_do(shmdev_mapping_list_get(list, 1, &other));
	shmdev_mapping_list_free(list);
	shows(count == 2 && one.pid + other.pid == getppid() + getpid(),
	      "processes %d and %d have it mapped, as 'shmdev ps' would say",
	      one.pid, other.pid);
	draw(segment);
}

/* @segment: where the counter is, or NULL if that is in none. */
static void child_counts(int *counter, const struct shmdev_segment *segment)
{
	pid_t pid = fork_now();

	if (!pid) {
		*counter += 1;
		if (segment)
			show_family(segment);
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
	child_counts(&own, NULL);
	shows(own == 41,
	      "the parent still reads %d: the copy has gone with the child", own);

	step("mmap() with MAP_SHARED | MAP_ANONYMOUS: pages without a file, which\n"
	     "   fork() does not copy. The child adds 1 there.");
	counter = must(mmap(NULL, sizeof(*counter), rights,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	*counter = 41;
	child_counts(counter, NULL);
	shows(*counter == 42, "the parent reads %d", *counter);
	must(munmap(counter, sizeof(*counter)));

	device = shmdev_half();
	step("The same with a segment without a name, which only the family can\n"
	     "   reach, too. But there is a descriptor of it, which can be handed on\n"
	     "   to others, and the kernel knows who has it mapped.");
	must_do(shmdev_segment_create(device, NULL, sysconf(_SC_PAGESIZE),
				      NULL, &segment));
	must_do(shmdev_segment_map(segment, 0, 0, rights, &memory));
	counter = memory;
	*counter = 41;
	child_counts(counter, segment);
	shows(*counter == 42, "the parent reads %d", *counter);
	shmdev_segment_unmap(memory, shmdev_segment_bytes(segment));
	shmdev_segment_close(segment);
	shmdev_device_close(device);
	return EXIT_SUCCESS;
}

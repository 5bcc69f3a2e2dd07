// SPDX-License-Identifier: MIT
/*
 * Lesson 6: the shared memory of System V, which has no file and no descriptor,
 * how many are attached to it, and what it leaves behind; then a segment, where
 * it is told who they are.
 */
#include <sys/ipc.h>
#include <sys/shm.h>

#include "lesson.h"

static unsigned long attached(int id)
{
	struct shmid_ds status;

	must(shmctl(id, IPC_STAT, &status));
	return status.shm_nattch;
}

/*
 * Asks for one place of the kernel's table after the other; some may be free.
 * How many have @wanted attached.
 */
static unsigned long list_all(int wanted)
{
	struct shmid_ds status;
	struct shm_info info;
	int place, id, last = must(shmctl(0, SHM_INFO, (void *)&info));
	unsigned long found = 0;

	printf("              id      owner      bytes   attached\n");
	for (place = 0; place <= last; place++) {
		id = shmctl(place, SHM_STAT_ANY, &status);
		if (id < 0)
			continue;
		printf("      %10d %10u %10zu %10lu\n", id, status.shm_perm.uid,
		       status.shm_segsz, (unsigned long)status.shm_nattch);
		if (id == wanted)
			found = status.shm_nattch;
	}
	return found;
}

/* What nobody would do if the lesson was interrupted. */
static void remove_id(int id)
{
	shmctl(id, IPC_RMID, NULL);
}

static void with_system_v(void)
{
	key_t key = 0x4c000000 | getpid();
	struct shmid_ds status;
	pid_t child;
	int *memory;
	int id;

	step("shmget() makes a segment by a key: a number that programs have agreed\n"
	     "   on. Whoever knows it gets the same id.");
	id = must(shmget(key, sizeof(*memory), IPC_CREAT | IPC_EXCL | 0600));
	at_the_end(remove_id, id);
	shows(shmget(key, 0, 0) == id, "key %#x is id %d", (unsigned int)key,
	      id);

	step("shmat() maps it: this process has it now, and a child inherits it.\n"
	     "   All segments, as 'ipcs -m' lists them:");
	memory = must(shmat(id, NULL, 0));
	*memory = 42;
	child = idle_child();
	shows(list_all(id) == 2, "ours is %d, which two have. Who, is not told",
	      id);
	kill_child(child);
	shows(attached(id) == 1, "the child is killed: shmctl(IPC_STAT) says %lu",
	      attached(id));

	step("shmdt() unmaps it. Nobody has it now, and it is still there, as it is\n"
	     "   when all who had it have ended. That fills up machines.");
	must(shmdt(memory));
	shows(attached(id) == 0, "shmdt(): %lu are attached", attached(id));
	memory = must(shmat(id, NULL, 0));
	shows(*memory == 42, "shmat(): it says %d", *memory);

	step("shmctl(IPC_RMID) takes the key away at once. The memory stays until\n"
	     "   the last one has detached it.");
	must(shmctl(id, IPC_RMID, NULL));
	shows(shmget(key, 0, 0) < 0, "shmget() with that key: %s",
	      strerror(errno));
	shows(*memory == 42, "it says %d", *memory);
	must(shmdt(memory));
	shows(shmctl(id, IPC_STAT, &status) < 0,
	      "shmctl() after the last shmdt(): %s", strerror(errno));
}

int main(void)
{
	const char *name = lesson_name("");
	struct shmdev_device *device;
	struct shmdev_segment *segment;
	void *memory;
	pid_t child;

	/* With this sysctl, the kernel removes what nobody has attached. */
	if (access("/proc/sysvipc/shm", F_OK) ||
	    sum_of("/proc/sys/kernel/shm_rmid_forced", ""))
		tell("no System V here, or kernel.shm_rmid_forced tidies up after it");
	else
		with_system_v();

	device = shmdev_half();
	step("A segment has a name, and a mode as a file has. This process maps it,\n"
	     "   and a child inherits it. 'shmdev ls' counts, 'shmdev ps' tells who:");
	must_do(shmdev_segment_create(device, name, A_PAGE, NULL, &segment));
	must_do(shmdev_segment_map(segment, 0, 0, READ_WRITE, &memory));
	child = idle_child();
	run_shmdev("ls", NULL);
	run_shmdev("ps", name);
	shows(mappings_of(segment) == 2 && has_mapped(getpid(), segment) &&
	      has_mapped(child, segment), "parent %d and child %d", getpid(),
	      child);
	draw(segment);

	step("This process lets go of it, and the child is killed.");
	shmdev_segment_unmap(memory, A_PAGE);
	shmdev_segment_close(segment);
	must_do(shmdev_segment_open(device, name, O_RDONLY, &segment));
	shmdev_segment_close(segment);
	kill_child(child);
	shows(shmdev_segment_open(device, name, O_RDONLY, &segment) == -ENOENT,
	      "it has gone with the last who had it");
	shmdev_device_close(device);
	return EXIT_SUCCESS;
}

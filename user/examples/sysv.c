// SPDX-License-Identifier: MIT
/*
 * Lesson 6: the shared memory of System V, which has no file and no descriptor,
 * how many are attached to it, and what it leaves behind; then a segment, where
 * it is told who they are.
 */
#include <sys/ipc.h>
#include <sys/shm.h>

#include "lesson.h"

static const char words[] = "Still here";

/* A child that is there, with what it has inherited, until it is killed. */
static pid_t idle_child(void)
{
	pid_t parent = getpid(), pid = fork_now();

	if (!pid) {
		while (getppid() == parent)
			pause();
		_exit(EXIT_SUCCESS);
	}
	return pid;
}

static void kill_child(pid_t pid)
{
	must(kill(pid, SIGKILL));
	must(waitpid(pid, NULL, 0));
}

/*
 * Nobody else would remove it if this lesson was interrupted. So a child does,
 * whatever becomes of its parent.
 */
static void remove_at_the_end(int id)
{
	pid_t parent = getpid();
	sigset_t ended;
	int signal;

	if (fork_now())
		return;
	setsid(); /* Ctrl-C is for the lesson. */
	sigemptyset(&ended);
	sigaddset(&ended, SIGUSR1);
	sigprocmask(SIG_BLOCK, &ended, NULL);
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	if (getppid() == parent)
		sigwait(&ended, &signal);
	shmctl(id, IPC_RMID, NULL);
	_exit(EXIT_SUCCESS);
}

static unsigned long attached(int id)
{
	struct shmid_ds status;

	must(shmctl(id, IPC_STAT, &status));
	return status.shm_nattch;
}

/* As 'ipcs -m' does. SHM_STAT_ANY asks by the place in the kernel's table. */
static bool list_all(int wanted)
{
	struct shmid_ds status;
	struct shm_info info;
	int place, id, last = must(shmctl(0, SHM_INFO, (void *)&info));
	bool found = false;

	printf("      %10s %10s %10s %10s\n", "id", "owner", "bytes",
	       "attached");
	for (place = 0; place <= last; place++) {
		id = shmctl(place, SHM_STAT_ANY, &status);
		if (id < 0)
			continue; /* The place is free. */
		printf("      %10d %10u %10zu %10lu\n", id, status.shm_perm.uid,
		       status.shm_segsz, (unsigned long)status.shm_nattch);
		found = found || id == wanted;
	}
	return found;
}

/* Some machines are told to remove what nobody has attached any more. */
static bool is_tidied_up(void)
{
	int fd = open("/proc/sys/kernel/shm_rmid_forced", O_RDONLY | O_CLOEXEC);
	char answer = '0';

	if (fd >= 0) {
		must(read(fd, &answer, 1));
		close(fd);
	}
	return answer == '1';
}

static void classic_half(size_t bytes)
{
	key_t key = 0x4c000000 | getpid();
	struct shmid_ds status;
	pid_t child;
	char *memory;
	int id;

	if (access("/proc/sysvipc/shm", F_OK)) {
		printf("\nThis kernel was built without System V IPC.\n");
		return;
	}
	id = must(shmget(key, bytes, IPC_CREAT | IPC_EXCL | 0600));
	remove_at_the_end(id);
	step("shmget() makes a segment by a key: a number that programs have agreed\n"
	     "   on. Whoever knows it gets the same id.");
	shows(shmget(key, 0, 0) == id, "key %#x is id %d", (unsigned int)key,
	      id);
	shows(attached(id) == 0, "shmctl(IPC_STAT): %lu are attached",
	      attached(id));

	step("shmat() maps it. The kernel counts who has it: this process, and a\n"
	     "   child that inherits it.");
	memory = must(shmat(id, NULL, 0));
	memcpy(memory, words, sizeof(words));
	shows(attached(id) == 1, "after shmat(): %lu", attached(id));
	child = idle_child();
	shows(attached(id) == 2, "after fork(): %lu", attached(id));

	step("All segments, as 'ipcs -m' lists them. It is told how many have one\n"
	     "   attached, but not who.");
	shows(list_all(id), "ours, %d, is among them", id);
	kill_child(child);
	shows(attached(id) == 1, "after the child was killed: %lu", attached(id));

	step("shmdt() unmaps it. Now nobody has it, and it is still there; it would\n"
	     "   be if this process ended, too. That is what fills up machines.");
	if (is_tidied_up()) {
		printf("   -> not this one: the sysctl kernel.shm_rmid_forced is 1\n");
	} else {
		must(shmdt(memory));
		shows(attached(id) == 0, "after shmdt(): %lu", attached(id));
		memory = must(shmat(id, NULL, 0));
		shows(!strcmp(memory, words), "attached anew, it says '%s'",
		      memory);
	}

	step("shmctl(IPC_RMID) takes the key away at once, but the memory stays\n"
	     "   until the last one has detached it.");
	must(shmctl(id, IPC_RMID, NULL));
	shows(shmget(key, 0, 0) < 0 && errno == ENOENT,
	      "shmget() does not find the key any more");
	shows(!strcmp(memory, words), "the memory says '%s'", memory);
	shows(attached(id) == 1, "IPC_STAT by the id: %lu is attached",
	      attached(id));
	must(shmdt(memory));
	shows(shmctl(id, IPC_STAT, &status) < 0 && errno == EINVAL,
	      "after the last shmdt(), there is no such id");
}

/* As 'shmdev ls' does. How many have that one mapped, or -1. */
static int list_segments(struct shmdev_device *device, const char *wanted)
{
	struct shmdev_segment_info info = { .size = sizeof(info) };
	struct shmdev_segment_list *list;
	int mappings = -1;
	size_t i;

	must_do(shmdev_device_list(device, 0, &list));
	printf("      %-20s %10s %10s %10s\n", "name", "owner", "bytes",
	       "mappings");
	for (i = 0; i < shmdev_segment_list_count(list); i++) {
		must_do(shmdev_segment_list_get(list, i, &info));
		printf("      %-20s %10u %10ju %10u\n",
		       *info.name ? info.name : "-", info.uid,
		       (uintmax_t)info.bytes, info.mappings);
		if (!strcmp(info.name, wanted))
			mappings = info.mappings;
	}
	shmdev_segment_list_free(list);
	return mappings;
}

/* As 'shmdev ps' does. Whether these two are told, and nobody else. */
static bool names_both(const struct shmdev_segment *segment, pid_t parent,
		       pid_t child)
{
	struct shmdev_mapping_info mapping = { .size = sizeof(mapping) };
	struct shmdev_mapping_list *list;
	bool is_parent = false, is_child = false;
	size_t i, count;

	must_do(shmdev_segment_mappings(segment, &list));
	count = shmdev_mapping_list_count(list);
	for (i = 0; i < count; i++) {
		must_do(shmdev_mapping_list_get(list, i, &mapping));
		printf("      process %d (%s) has %ju bytes mapped\n", mapping.pid,
		       mapping.command, (uintmax_t)mapping.bytes);
		is_parent = is_parent || mapping.pid == parent;
		is_child = is_child || mapping.pid == child;
	}
	shmdev_mapping_list_free(list);
	return count == 2 && is_parent && is_child;
}

int main(void)
{
	struct shmdev_device *device;
	struct shmdev_segment *segment, *another;
	size_t bytes = sysconf(_SC_PAGESIZE);
	char name[SHMDEV_SEGMENT_NAME_SIZE];
	void *memory;
	pid_t child;

	classic_half(bytes);

	device = shmdev_half();
	step("The same with a segment. It has a name and a mode as a file has, and\n"
	     "   'shmdev ls' counts its mappings.");
	snprintf(name, sizeof(name), "lesson-%d", getpid());
	must_do(shmdev_segment_create(device, name, bytes, NULL, &segment));
	must_do(shmdev_segment_map(segment, 0, 0, PROT_READ | PROT_WRITE,
				   &memory));
	child = idle_child();
	shows(list_segments(device, name) == 2, "'%s' is mapped twice", name);

	step("And 'shmdev ps' tells by whom.");
	shows(names_both(segment, getpid(), child), "this process and its child");
	draw(segment);
	kill_child(child);

	step("shmdev_segment_remove() takes the name away at once; the memory\n"
	     "   stays with those who have it.");
	memcpy(memory, words, sizeof(words));
	must_do(shmdev_segment_remove(device, name));
	shows(shmdev_segment_open(device, name, O_RDWR, &another) == -ENOENT,
	      "the name is not found any more");
	shows(!strcmp(memory, words), "the memory says '%s'",
	      (char *)memory);
	shmdev_segment_unmap(memory, bytes);
	shmdev_segment_close(segment);

	step("Nothing is left behind: a child makes a segment with that name, and\n"
	     "   is killed. (With SHMDEV_SEGMENT_KEEP it would stay.)");
	child = fork_now();
	if (!child) {
		must_do(shmdev_segment_create(device, name, bytes, NULL,
					      &segment));
		raise(SIGKILL);
	}
	must(waitpid(child, NULL, 0));
	shows(list_segments(device, name) < 0, "'%s' has gone with it", name);
	shmdev_device_close(device);
	return EXIT_SUCCESS;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Leaks that no single call shows: whatever is done a thousand times with
 * segments, nothing in the kernel has become a thousand more, be it pages, kernel
 * addresses, files, or objects of any of the kernel's caches.
 */
#include <sys/epoll.h>

#include "shmdev_test.h"

#define CYCLES	1000
/* Others go on living meanwhile. */
#define NOISE	(CYCLES / 3)
#define CACHES	512

struct cache {
	char name[64];
	long objects;
};

/* What THREATS calls the blind spots of kmemleak, and all caches. */
struct counts {
	long shmem_kilobytes;
	long kernel_views;
	long files;
	int caches;
	struct cache cache[CACHES];
};

static long lines_with(const char *path, const char *word)
{
	char line[512];
	FILE *file = fopen(path, "re");
	long count = 0;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		count += !!strstr(line, word);
	fclose(file);
	return count;
}

static void shrink_cache(const char *cache)
{
	char path[300];

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", cache);
	write_file(path, "1");
}

/*
 * Objects that are free, but kept at hand, are counted as used. Each write to a
 * file of sysfs takes a copy of it from the cache of the smallest objects, and
 * with it all that are free beside it; so that one comes last.
 */
static void give_back_free_objects(void)
{
	DIR *caches = opendir("/sys/kernel/slab");
	struct dirent *entry;

	while (caches && (entry = readdir(caches)))
		if (entry->d_name[0] != '.')
			shrink_cache(entry->d_name);
	if (caches)
		closedir(caches);
	shrink_cache("kmalloc-8");
}

static void count(struct counts *counts)
{
	char line[512];
	FILE *slabs;

	give_back_free_objects();
	write_file("/proc/sys/vm/stat_refresh", "1");
	counts->shmem_kilobytes = number_after("/proc/meminfo", "\nShmem:");
	counts->kernel_views = lines_with("/proc/vmallocinfo", "shmdev");
	counts->files = number_after("/proc/sys/fs/file-nr", "");
	counts->caches = 0;
	slabs = fopen("/proc/slabinfo", "re");
	while (slabs && fgets(line, sizeof(line), slabs) &&
	       counts->caches < CACHES) {
		struct cache *cache = &counts->cache[counts->caches];

		if (sscanf(line, "%63s %ld", cache->name,
			   &cache->objects) == 2)
			counts->caches++;
	}
	if (slabs)
		fclose(slabs);
}

/*
 * The kernel forgets ranges of its own addresses many at a time, when it likes;
 * that they are no longer used is what kernel_views says. kmemleak and
 * DEBUG_OBJECTS have objects for those of other caches.
 */
static bool is_a_shadow(const char *cache)
{
	return !strcmp(cache, "vmap_area") || !strncmp(cache, "kmemleak", 8) ||
	       !strcmp(cache, "debug_objects_cache");
}

/* How many more objects a cache has, and the name of the one that grew most. */
static long growth(const struct counts *before, const struct counts *after,
		   const char **name)
{
	long most = 0;
	int i, j;

	*name = "none";
	for (i = 0; i < after->caches; i++) {
		long more = after->cache[i].objects;

		for (j = 0; j < before->caches; j++)
			if (!strcmp(before->cache[j].name,
				    after->cache[i].name))
				more -= before->cache[j].objects;
		if (more > most && !is_a_shadow(after->cache[i].name)) {
			most = more;
			*name = after->cache[i].name;
		}
	}
	return most;
}

static bool same(const struct counts *before, const struct counts *after)
{
	const char *name;

	return before->shmem_kilobytes == after->shmem_kilobytes &&
	       before->kernel_views == after->kernel_views &&
	       labs(before->files - after->files) < NOISE &&
	       growth(before, after, &name) < NOISE;
}

FIXTURE(leaks) {
	struct counts before, after;
	struct state state;
	__u32 peers;
	bool is_counted;	/* in the default segment's events, for good */
	int door;
};

FIXTURE_SETUP(leaks)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
}

FIXTURE_TEARDOWN(leaks)
{
	close(self->door);
}

static void repeat(struct __test_metadata *_metadata, FIXTURE_DATA(leaks) *self,
		   int (*cycle)(int door))
{
	unsigned int tries = 2;
	__u64 end;
	const char *name;
	int i;

	/* Caches fill with what is good for the next time. */
	for (i = 0; i < CYCLES / 10; i++)
		ASSERT_EQ(0, cycle(self->door));
	/* What is lost is lost each time; what others take meanwhile is not. */
	do {
		self->peers = peers_of(self->door);
		self->state = take_state(self->door);
		count(&self->before);
		ASSERT_LT(0, self->before.caches);
		ASSERT_LE(0, self->before.shmem_kilobytes);
		ASSERT_LE(0, self->before.kernel_views);
		for (i = 0; i < CYCLES; i++)
			ASSERT_EQ(0, cycle(self->door));
		/* Much is freed after a while only. */
		end = milliseconds() + 10000;
		do {
			usleep(100000);
			count(&self->after);
		} while (!same(&self->before, &self->after) &&
			 milliseconds() < end);
	} while (!same(&self->before, &self->after) && --tries);
	EXPECT_EQ(self->before.shmem_kilobytes, self->after.shmem_kilobytes);
	EXPECT_EQ(self->before.kernel_views, self->after.kernel_views);
	EXPECT_GT(NOISE, labs(self->before.files - self->after.files));
	EXPECT_GT(NOISE, growth(&self->before, &self->after, &name))
		TH_LOG("cache %s", name);
	EXPECT_EQ(self->peers, peers_of(self->door));
	if (self->is_counted)
		self->state.digest = take_state(self->door).digest;
	expect_unchanged(_metadata, self->door, &self->state);
}

/* The line at which a cycle fails, so that it is told of once. */
#define MUST(condition) do {						\
	if (!(condition))						\
		return __LINE__;					\
} while (0)

#define MUST_FAIL(error, call) MUST((call) == -1 && errno == (error))

static int use_a_segment(int door)
{
	struct epoll_event event = { .events = EPOLLIN };
	char name[SHMDEV_NAME_SIZE];
	int segment, reader, events = epoll_create1(EPOLL_CLOEXEC);
	struct shmdev_mapping entry;
	struct shmdev_peer peer;
	char *view, *copy;

	make_name(name, "leaks");
	segment = create(door, name, 2 * page_bytes(), 0600,
			 SHMDEV_CREATE_F_KEEP, "hello");
	MUST(segment >= 0);
	reader = open_named(door, name, O_RDONLY);
	MUST(reader >= 0);
	view = map(segment, 2 * page_bytes(), PROT_READ | PROT_WRITE);
	copy = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE,
		    reader, 0);
	MUST(view != MAP_FAILED);
	MUST(copy != MAP_FAILED);
	view[page_bytes()] = 'x';
	copy[0] = 'y';
	MUST(!epoll_ctl(events, EPOLL_CTL_ADD, segment, &event));
	MUST(!kick(segment));
	MUST(epoll_wait(events, &event, 1, 0) == 1);
	MUST(mappings(reader, &entry, 1, NULL) == 1);
	MUST(!join(segment, "one", NULL));
	MUST(!join(reader, "other", NULL));
	MUST_FAIL(ETIMEDOUT, wait_word(reader, page_bytes() + 4, 0, 0));
	MUST(!wake_word(segment, page_bytes() + 4, SHMDEV_WAKE_ALL));
	MUST(peers(reader, 0, &peer, 1, NULL, NULL) == 1);
	MUST(!leave(segment));
	MUST(!fchmod(segment, 0640));
	MUST(!remove_named(door, name));
	munmap(view, 2 * page_bytes());
	munmap(copy, page_bytes());
	close(events);
	close(reader);
	close(segment);
	return 0;
}

/* "lifetime": nothing is left of a segment after its last user */
TEST_F_TIMEOUT(leaks, segment_leaves_nothing, 300)
{
	repeat(_metadata, self, use_a_segment);
}

static int make_mistakes(int door)
{
	struct shmdev_create *out_of_reach = (void *)8;
	char name[SHMDEV_NAME_SIZE];
	__u64 page = page_bytes();
	int segment;

	make_name(name, "leaks");
	segment = create_named(door, name, page);
	MUST(segment >= 0);
	MUST_FAIL(EEXIST, create(door, name, page, 0600, 0, "hello"));
	MUST_FAIL(ENOPROTOOPT, create(door, NULL, page, 0600, 0, "nobody"));
	MUST_FAIL(EINVAL, create(door, NULL, page + 1, 0600, 0, NULL));
	MUST_FAIL(ENOSPC, create(door, NULL, 1ULL << 61, 0600, 0, NULL));
	MUST_FAIL(EFAULT, ioctl(door, SHMDEV_IOC_CREATE, out_of_reach));
	MUST_FAIL(EFAULT, ioctl(segment, SHMDEV_IOC_INFO, out_of_reach));
	MUST_FAIL(ENXIO, (long)mmap(NULL, page, PROT_READ, MAP_SHARED, segment,
				    page));
	MUST_FAIL(ENOTCONN, kick(segment));
	MUST_FAIL(EAGAIN, wait_word(segment, 0, 1, SHMDEV_WAIT_FOREVER));
	MUST_FAIL(ENXIO, wait_word(segment, page, 1, SHMDEV_WAIT_FOREVER));
	MUST_FAIL(ENXIO, wake_word(segment, page, 1));
	MUST_FAIL(EINVAL, join(segment, "a/b", NULL));
	MUST(!join(segment, "", NULL));
	MUST_FAIL(EALREADY, join(segment, "", NULL));
	MUST(!leave(segment));
	MUST_FAIL(ESRCH, leave(segment));
	MUST_FAIL(ESRCH, peers(segment, 9, NULL, 0, NULL, NULL));
	MUST_FAIL(EFAULT, ioctl(segment, SHMDEV_IOC_JOIN, out_of_reach));
	MUST(!remove_named(door, name));
	MUST_FAIL(ENOENT, remove_named(door, name));
	MUST_FAIL(ENOENT, open_named(door, name, O_RDWR));
	close(segment);
	return 0;
}

/* "errors": a call that fails leaves nothing either */
TEST_F_TIMEOUT(leaks, mistakes_leave_nothing, 300)
{
	repeat(_metadata, self, make_mistakes);
}

/* A peer of a segment that outlives it, by exit and by signal. */
static int join_and_die(int door)
{
	static unsigned int deaths;
	int sig = deaths++ % 2 ? SIGKILL : 0;
	pid_t pid = fork_child();

	if (!pid) {
		CHILD_CHECK(!join(door, "mortal", NULL));
		if (sig)
			raise(sig);
		_exit(0);
	}
	MUST(pid > 0);
	MUST(reap(pid) == (sig ? 128 + sig : 0));
	return 0;
}

/* PEERS: of those that ended, the last 64 are known, and no others kept */
TEST_F_TIMEOUT(leaks, peers_that_die_leave_nothing, 300)
{
	__u32 total, alive;

	self->is_counted = true;
	repeat(_metadata, self, join_and_die);
	ASSERT_EQ(0, peers(self->door, 0, NULL, 0, &total, &alive));
	EXPECT_EQ(self->peers, alive);
	EXPECT_EQ(alive + 64, total);
}

TEST_HARNESS_MAIN

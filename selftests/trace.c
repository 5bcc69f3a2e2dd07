// SPDX-License-Identifier: GPL-2.0
/* The tracepoints: each is there, fires, and says what happened to whom. */
#include <sys/mount.h>

#include "shmdev_test.h"

#define TRACEFS "/sys/kernel/tracing"

static bool tracefs_is_there(void)
{
	if (!access(TRACEFS "/instances", F_OK))
		return true;
	return !mount("none", TRACEFS, "tracefs", 0, NULL) &&
	       !access(TRACEFS "/instances", F_OK);
}

/* An instance of our own: others may be tracing, too. */
FIXTURE(trace) {
	int door;
	char name[SHMDEV_NAME_SIZE];
	char instance[128];
	bool traced;
};

static int write_in(FIXTURE_DATA(trace) *self, const char *file,
		    const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", self->instance, file);
	return write_file(path, text);
}

FIXTURE_SETUP(trace)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
	make_name(self->name, "trace");
	self->traced = tracefs_is_there();
	if (!self->traced)
		return;
	snprintf(self->instance, sizeof(self->instance), TRACEFS
		 "/instances/%s", self->name);
	ASSERT_EQ(0, mkdir(self->instance, 0700));
	/*
	 * The names of processes are taken from the scheduler's tracepoints,
	 * which are then patched in while the other processors run them. QEMU's
	 * TCG got that wrong once: an int3 that nobody had set any more.
	 */
	ASSERT_EQ(0, write_in(self, "trace_options", "norecord-cmd"));
	ASSERT_EQ(0, write_in(self, "events/shmdev/enable", "1"));
}

FIXTURE_TEARDOWN(trace)
{
	if (self->traced) {
		EXPECT_EQ(0, write_in(self, "events/shmdev/enable", "0"));
		EXPECT_EQ(0, rmdir(self->instance));
	}
	close(self->door);
}

/* Does a line of the trace have this event of this segment, with this text? */
static bool traced(FIXTURE_DATA(trace) *self, const char *event, __u64 id,
		   const char *text)
{
	static char trace[1 << 16];
	char path[256], wanted[64], *line, *rest;

	snprintf(path, sizeof(path), "%s/trace", self->instance);
	if (read_file(path, trace, sizeof(trace)) < 0)
		return false;
	snprintf(wanted, sizeof(wanted), " %s: id=%llu ", event,
		 (unsigned long long)id);
	for (line = strtok_r(trace, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		if (strstr(line, wanted) && strstr(line, text))
			return true;
	return false;
}

/* Opening it for writing is what empties a trace. */
static int forget_trace(FIXTURE_DATA(trace) *self)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/trace", self->instance);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	return fd < 0 ? -1 : close(fd);
}

#define SKIP_WITHOUT_TRACEFS() do {					\
	if (!self->traced)						\
		SKIP(return, "no tracefs in this kernel");		\
} while (0)

/* tracepoints shmdev_create, shmdev_open: a new segment, its first file */
TEST_F(trace, create_says_size_name_and_endpoint)
{
	char text[160];
	__u64 id;
	int fd;

	SKIP_WITHOUT_TRACEFS();
	fd = create(self->door, self->name, 2 * page_bytes(), 0600, 0,
		    "hello");
	id = id_of(fd);
	ASSERT_NE(0, id);
	snprintf(text, sizeof(text), "bytes=%zu name=%s endpoint=hello",
		 2 * page_bytes(), self->name);
	EXPECT_TRUE(traced(self, "shmdev_create", id, text));
	EXPECT_TRUE(traced(self, "shmdev_open", id, "access=rw"));
	close(fd);
}

/* tracepoint shmdev_open: with the access that was given */
TEST_F(trace, open_says_the_access)
{
	int fd, opened;
	__u64 id;

	SKIP_WITHOUT_TRACEFS();
	fd = create_named(self->door, self->name, page_bytes());
	id = id_of(fd);
	ASSERT_EQ(0, forget_trace(self));
	EXPECT_FALSE(traced(self, "shmdev_open", id, "access="));
	opened = open_named(self->door, self->name, O_RDONLY);
	EXPECT_TRUE(traced(self, "shmdev_open", id, "access=r"));
	EXPECT_FALSE(traced(self, "shmdev_open", id, "access=rw"));
	close(opened);
	close(fd);
}

/* tracepoint shmdev_map: which range, through either kind of file */
TEST_F(trace, map_says_the_range)
{
	char text[64];
	void *view;
	int fd;

	SKIP_WITHOUT_TRACEFS();
	fd = create_anonymous(self->door, 4 * page_bytes());
	view = mmap(NULL, 3 * page_bytes(), PROT_READ, MAP_SHARED, fd,
		    page_bytes());
	ASSERT_NE(MAP_FAILED, view);
	snprintf(text, sizeof(text), "offset=%zu bytes=%zu", page_bytes(),
		 3 * page_bytes());
	EXPECT_TRUE(traced(self, "shmdev_map", id_of(fd), text));
	munmap(view, 3 * page_bytes());
	view = map(self->door, 2 * page_bytes(), PROT_READ);
	ASSERT_NE(MAP_FAILED, view);
	snprintf(text, sizeof(text), "offset=0 bytes=%zu", 2 * page_bytes());
	EXPECT_TRUE(traced(self, "shmdev_map", 1, text));
	munmap(view, 2 * page_bytes());
	close(fd);
}

/* tracepoint shmdev_kick: the argument, and what the endpoint said */
TEST_F(trace, kick_says_argument_and_result)
{
	struct shmdev_kick arg = { .size = sizeof(arg), .argument = 77 };
	int fd;

	SKIP_WITHOUT_TRACEFS();
	fd = create(self->door, NULL, page_bytes(), 0600, 0, "hello");
	EXPECT_EQ(0, kick(fd));
	EXPECT_TRUE(traced(self, "shmdev_kick", id_of(fd),
			   "argument=0 ret=0"));
	EXPECT_ERRNO(EINVAL, ioctl(fd, SHMDEV_IOC_KICK, &arg));
	EXPECT_TRUE(traced(self, "shmdev_kick", id_of(fd),
			   "argument=77 ret=-22"));
	close(fd);
}

/* tracepoints shmdev_wait, shmdev_wake: which word, and how many were woken */
TEST_F(trace, wait_and_wake_say_the_word)
{
	char text[64];
	pid_t sleeper;
	int fd, woken;

	SKIP_WITHOUT_TRACEFS();
	fd = create_anonymous(self->door, 2 * page_bytes());
	EXPECT_ERRNO(EAGAIN, wait_word(fd, page_bytes(), 7, 0));
	snprintf(text, sizeof(text), "offset=%zu expected=7", page_bytes());
	EXPECT_TRUE(traced(self, "shmdev_wait", id_of(fd), text));
	/* What is refused is none. */
	EXPECT_ERRNO(EINVAL, wait_word(fd, 2, 7, 0));
	EXPECT_FALSE(traced(self, "shmdev_wait", id_of(fd), "offset=2 "));

	sleeper = fork_child();
	if (!sleeper)
		_exit(wait_word(fd, 8, 0, 10 * NSEC_PER_SEC) != 0);
	while (!(woken = wake_word(fd, 8, SHMDEV_WAKE_ALL)))
		usleep(1000);
	EXPECT_EQ(1, woken);
	EXPECT_EQ(0, reap(sleeper));
	EXPECT_TRUE(traced(self, "shmdev_wait", id_of(fd),
			   "offset=8 expected=0"));
	EXPECT_TRUE(traced(self, "shmdev_wake", id_of(fd),
			   "offset=8 woken=1"));
	ASSERT_EQ(0, forget_trace(self));
	EXPECT_EQ(0, wake_word(fd, 12, SHMDEV_WAKE_ALL));
	EXPECT_TRUE(traced(self, "shmdev_wake", id_of(fd),
			   "offset=12 woken=0"));
	EXPECT_FALSE(traced(self, "shmdev_wake", id_of(fd), "woken=1"));
	close(fd);
}

/* tracepoints shmdev_join, shmdev_end: which peer, and how it ended */
TEST_F(trace, join_and_end_say_the_peer)
{
	static const struct {
		int sig;
		__u32 state, status;
	} ends[] = {
		{ 0, SHMDEV_PEER_EXITED, 7 },
		{ SIGKILL, SHMDEV_PEER_KILLED, SIGKILL },
	};
	struct shmdev_peer last;
	char text[64];
	size_t i;
	__u64 id;
	int fd;

	SKIP_WITHOUT_TRACEFS();
	/* The endpoint is the first. */
	fd = create(self->door, NULL, page_bytes(), 0600, 0, "hello");
	EXPECT_TRUE(traced(self, "shmdev_join", id_of(fd), "peer=1"));
	ASSERT_EQ(0, join(fd, "", &id));
	EXPECT_EQ(2, id);
	EXPECT_TRUE(traced(self, "shmdev_join", id_of(fd), "peer=2"));
	EXPECT_FALSE(traced(self, "shmdev_end", id_of(fd), "peer="));
	ASSERT_EQ(0, leave(fd));
	EXPECT_TRUE(traced(self, "shmdev_end", id_of(fd),
			   "peer=2 state=1 status=0"));
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		pid_t pid = fork_child();

		if (!pid) {
			CHILD_CHECK(!join(fd, "", NULL));
			if (ends[i].sig)
				raise(ends[i].sig);
			_exit(7);
		}
		reap(pid);
		id++;
		ASSERT_EQ(1, peers(fd, id, &last, 1, NULL, NULL));
		EXPECT_EQ(ends[i].state, last.state);
		snprintf(text, sizeof(text), "peer=%llu state=%u status=%u",
			 (unsigned long long)id, ends[i].state, ends[i].status);
		EXPECT_TRUE(traced(self, "shmdev_end", id_of(fd), text));
	}
	close(fd);
}

/* tracepoints shmdev_isolate, shmdev_claim: which pages */
TEST_F(trace, isolate_and_claim_say_the_pages)
{
	size_t page = page_bytes();
	__u64 offset = page;
	char text[80];
	int fd, mine;

	SKIP_WITHOUT_TRACEFS();
	fd = create_anonymous(self->door, 4 * page);
	ASSERT_EQ(0, isolate(fd, page, 2 * page, SHMDEV_ISOLATE_F_CLAIMABLE));
	snprintf(text, sizeof(text), "offset=%zu bytes=%zu claimable=1", page,
		 2 * page);
	EXPECT_TRUE(traced(self, "shmdev_isolate", id_of(fd), text));
	EXPECT_FALSE(traced(self, "shmdev_claim", id_of(fd), "offset="));
	mine = claim(fd, &offset);
	ASSERT_LE(0, mine);
	snprintf(text, sizeof(text), "offset=%llu", offset);
	EXPECT_TRUE(traced(self, "shmdev_claim", id_of(fd), text));
	/* What is refused is none. */
	ASSERT_EQ(0, forget_trace(self));
	EXPECT_ERRNO(EEXIST, isolate(fd, page, page, 0));
	offset = 0;
	EXPECT_ERRNO(ENXIO, claim(fd, &offset));
	EXPECT_FALSE(traced(self, "shmdev_isolate", id_of(fd), "offset="));
	EXPECT_FALSE(traced(self, "shmdev_claim", id_of(fd), "offset="));
	close(mine);
	close(fd);
}

/* tracepoints: all that there are, so that none lacks its test */
TEST_F(trace, there_are_no_others)
{
	static const char *const known[] = {
		"create", "remove", "open", "map", "kick", "wait", "wake",
		"join", "end", "isolate", "claim",
	};
	char path[256];
	struct dirent *entry;
	int count = 0;
	size_t i;
	DIR *dir;

	SKIP_WITHOUT_TRACEFS();
	for (i = 0; i < ARRAY_SIZE(known); i++) {
		snprintf(path, sizeof(path), "%s/events/shmdev/shmdev_%s",
			 self->instance, known[i]);
		EXPECT_EQ(0, access(path, F_OK)) TH_LOG("%s", path);
	}
	snprintf(path, sizeof(path), "%s/events/shmdev", self->instance);
	dir = opendir(path);
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir)))
		count += !strncmp(entry->d_name, "shmdev_", 7);
	closedir(dir);
	EXPECT_EQ(ARRAY_SIZE(known), count);
}

/* tracepoint shmdev_remove: whose name was taken away */
TEST_F(trace, remove_says_the_name)
{
	char text[80];
	__u64 id;
	int fd;

	SKIP_WITHOUT_TRACEFS();
	fd = create_kept(self->door, self->name, page_bytes());
	id = id_of(fd);
	EXPECT_FALSE(traced(self, "shmdev_remove", id, "name="));
	ASSERT_EQ(0, remove_named(self->door, self->name));
	snprintf(text, sizeof(text), "name=%s ", self->name);
	EXPECT_TRUE(traced(self, "shmdev_remove", id, text));
	close(fd);
}

/* tracepoints: what is said of segments says nothing of the kernel's memory */
TEST_F(trace, events_contain_no_kernel_address)
{
	static char text[1 << 16];
	char path[256], *at;
	int fd, digits;

	SKIP_WITHOUT_TRACEFS();
	fd = create(self->door, self->name, page_bytes(), 0600,
		    SHMDEV_CREATE_F_KEEP, "hello");
	EXPECT_EQ(0, kick(fd));
	EXPECT_EQ(0, join(fd, "", NULL));
	EXPECT_ERRNO(ETIMEDOUT, wait_word(fd, page_bytes() - 4, 0, 0));
	EXPECT_EQ(0, wake_word(fd, page_bytes() - 4, 1));
	EXPECT_EQ(0, leave(fd));
	munmap(map(fd, page_bytes(), PROT_READ), page_bytes());
	EXPECT_EQ(0, remove_named(self->door, self->name));
	close(fd);
	snprintf(path, sizeof(path), "%s/trace", self->instance);
	ASSERT_LT(0, read_file(path, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "shmdev_create"));
	EXPECT_NE(NULL, strstr(text, "shmdev_wait"));
	EXPECT_NE(NULL, strstr(text, "shmdev_end"));
	for (at = strstr(text, "ffff"); at; at = strstr(at + 4, "ffff")) {
		digits = strspn(at, "0123456789abcdef");
		EXPECT_GT(16, digits) TH_LOG("%.20s", at);
	}
}

TEST_HARNESS_MAIN

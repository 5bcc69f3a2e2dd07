// SPDX-License-Identifier: GPL-2.0
/*
 * Every failure point once: each way into the driver is called again and again,
 * and the first, second, third... allocation of memory or access to the
 * caller's fails, until there is no further one. A call that fails then must
 * leave everything as it was and say why; one that succeeds must be complete.
 *
 * Needs a kernel with CONFIG_FAULT_INJECTION_DEBUG_FS, CONFIG_FAILSLAB,
 * CONFIG_FAIL_PAGE_ALLOC and CONFIG_FAULT_INJECTION_USERCOPY.
 */
#include <poll.h>
#include <sys/epoll.h>

#include "module.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DEBUGFS		"/sys/kernel/debug/"
#define PAGES		16
#define BYTES		(PAGES * 4096UL)
#define HUGE_BYTES	(2 * MIB)

/*
 * After a fork the area that glibc registers for restartable sequences is yet
 * to be copied. If there is no memory for that when the kernel writes to it,
 * the process is killed; so glibc is told to do without.
 */
static void __attribute__((constructor)) do_without_rseq(int argc, char **argv)
{
	static const char tunables[] = "GLIBC_TUNABLES";

	if (getenv(tunables))
		return;
	setenv(tunables, "glibc.pthread.rseq=0", 1);
	execv("/proc/self/exe", argv);
}

/* So that nothing is spared but what is not allowed to fail. */
static const struct injector {
	const char *path;
	const char *value;
} injectors[] = {
	{ DEBUGFS "failslab/ignore-gfp-wait", "N" },
	{ DEBUGFS "failslab/cache-filter", "N" },
	{ DEBUGFS "failslab/verbose", "0" },
	{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N" },
	{ DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ DEBUGFS "fail_page_alloc/min-order", "0" },
	{ DEBUGFS "fail_page_alloc/verbose", "0" },
	{ DEBUGFS "fail_usercopy/verbose", "0" },
};

static char saved_values[ARRAY_SIZE(injectors)][32];

static void restore_injectors(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(injectors); i++)
		write_file(injectors[i].path, saved_values[i]);
}

static void __attribute__((constructor)) need_injectors(void)
{
	const char *missing = access(FAIL_NTH, W_OK) ? FAIL_NTH : NULL;
	size_t i;

	for (i = 0; !missing && i < ARRAY_SIZE(injectors); i++)
		if (read_file(injectors[i].path, saved_values[i],
			      sizeof(saved_values[i])) < 0)
			missing = injectors[i].path;
	if (missing) {
		ksft_print_header();
		ksft_exit_skip("%s: %s (needs CONFIG_FAULT_INJECTION)\n",
			       missing, strerror(errno));
	}
	atexit(restore_injectors);
	for (i = 0; i < ARRAY_SIZE(injectors); i++)
		if (write_file(injectors[i].path, injectors[i].value))
			ksft_exit_fail_msg("%s: %s\n", injectors[i].path,
					   strerror(errno));
}

/* The file is about the thread that opened it. */
static int open_fail_nth(void)
{
	return open(FAIL_NTH, O_RDWR | O_CLOEXEC);
}

static void arm(int fail_nth, unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	pwrite(fail_nth, text, length, 0);
}

/*
 * Did a failure come, since arm() and before this? Reading the answer and
 * disarming copy from and to this process too: if these are what fails, the
 * call had no further point.
 */
static bool disarm(int fail_nth)
{
	char text[16] = "";
	bool injected = pread(fail_nth, text, sizeof(text) - 1, 0) > 0 &&
			!strcmp(text, "0\n");

	while (pwrite(fail_nth, "0", 1, 0) != 1)
		;
	return injected;
}

/* Kilobytes of all tmpfs files, each processor's share counted. */
static long shmem_kilobytes(void)
{
	char text[8192], *line;

	write_file("/proc/sys/vm/stat_refresh", "1");
	if (read_file("/proc/meminfo", text, sizeof(text)) < 0)
		return -1;
	line = strstr(text, "\nShmem:");
	return line ? atol(line + 7) : -1;
}

static bool is_one_of(const int *errors, int error)
{
	while (*errors && *errors != error)
		errors++;
	return *errors;
}

/* What the calls point to. */
static union {
	struct shmdev_version version;
	struct shmdev_create create;
	struct shmdev_open open;
	struct shmdev_remove remove;
	struct shmdev_list list;
	struct shmdev_info info;
	struct shmdev_mappings mappings;
	struct shmdev_kick kick;
	struct shmdev_look look;
	struct shmdev_wait wait;
	struct shmdev_wake wake;
	struct shmdev_join join;
	struct shmdev_leave leave;
	struct shmdev_peers peers;
	struct shmdev_isolate isolate;
	struct shmdev_claim claim;
} arg;

static struct shmdev_info infos[8];
static struct shmdev_mapping found[8];
static struct shmdev_peer records[8];
static char buffer[BYTES];

/* A fresh segment for each call, and whatever else the call needs. */
struct stage {
	int fail_nth;
	int door;
	int segment;
	int file;		/* which of the two the call is about */
	int made;		/* what @before made */
	char *view;		/* likewise, @view_bytes long */
	size_t view_bytes;
	int pipe[2];
	char path[40];		/* of @file */
	char name[SHMDEV_NAME_SIZE];	/* of @segment */
	char other[SHMDEV_NAME_SIZE];
	char contents[BYTES];	/* of @file */
};

/*
 * Which files a call is tried on. One that is ANNOUNCED makes itself known to
 * pollers before its answer may fail.
 */
enum {
	ON_DOOR = 1 << DOOR, ON_SEGMENT = 1 << SEGMENT, ON_BOTH = 3,
	ANNOUNCED = 4,
};

/*
 * What the call needs, and nothing else does, @before makes. What a successful
 * call made @after takes back, and says whether it was complete. Both may be
 * missing.
 */
struct call {
	const char *what;
	unsigned int kinds;
	bool (*before)(struct stage *self);
	long (*run)(struct stage *self);
	bool (*after)(struct stage *self, long result);
	const int *errors;
};

/* What a call that fails must leave as it was, besides struct state. */
struct snapshot {
	loff_t position;
	short events;
	__u32 peers;
	char contents[BYTES];
};

static void take_snapshot(struct stage *self, struct snapshot *now)
{
	struct pollfd waiting = { .fd = self->file, .events = POLLIN };

	now->position = lseek(self->file, 0, SEEK_CUR);
	now->events = poll(&waiting, 1, 0) == 1 ? waiting.revents : 0;
	now->peers = peers_of(self->file);
	pread(self->file, now->contents, BYTES, 0);
}

/* A segment that was kicked and not looked at since; memory that is there. */
static void set_stage(struct __test_metadata *_metadata,
		      struct stage *self, const struct call *call,
		      enum kind kind)
{
	self->segment = create(self->door, self->name, BYTES, 0600, 0,
			       "hello");
	ASSERT_LE(0, self->segment) TH_LOG("%s", strerror(errno));
	memset(infos, 0, sizeof(infos));
	memset(found, 0, sizeof(found));
	memset(records, 0, sizeof(records));
	memset(buffer, 's', BYTES);
	ASSERT_EQ(BYTES / 2, pwrite(self->segment, buffer, BYTES / 2,
				    BYTES / 2));
	ASSERT_EQ(0, kick(self->segment));
	self->file = kind == DOOR ? self->door : self->segment;
	ASSERT_EQ(0, lseek(self->file, 0, SEEK_SET));
	ASSERT_EQ(BYTES, pread(self->file, self->contents, BYTES, 0));
	snprintf(self->path, sizeof(self->path), "/proc/self/fd/%d",
		 self->file);
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC));
	self->made = -1;
	self->view = NULL;
	if (call->before)
		ASSERT_TRUE(call->before(self)) TH_LOG("%s", strerror(errno));
}

static void clear_stage(struct __test_metadata *_metadata,
			struct stage *self)
{
	if (self->file == self->door)
		EXPECT_EQ(BYTES, pwrite(self->door, self->contents, BYTES, 0));
	if (self->view)
		EXPECT_EQ(0, munmap(self->view, self->view_bytes));
	if (self->made >= 0)
		close(self->made);
	remove_named(self->door, self->other);
	close(self->pipe[0]);
	close(self->pipe[1]);
	close(self->segment);
}

/*
 * Once with the failure at @nth, or without one if that is 0: did it come?
 * @refused counts those that made the call fail.
 */
static bool try_once(struct __test_metadata *_metadata,
		     struct stage *self, const struct call *call,
		     enum kind kind, unsigned int nth, unsigned int *refused)
{
	static struct snapshot before, now;
	struct state state;
	bool injected = false;
	long result;
	int error;

	set_stage(_metadata, self, call, kind);
	state = take_state(self->door);
	take_snapshot(self, &before);
	if (nth)
		arm(self->fail_nth, nth);
	result = call->run(self);
	error = errno;
	if (nth)
		injected = disarm(self->fail_nth);

	if (result != -1) {
		if (call->after)
			EXPECT_TRUE(call->after(self, result))
				TH_LOG("point %u: incomplete", nth);
	} else {
		++*refused;
		EXPECT_TRUE(injected)
			TH_LOG("point %u: without one: %s", nth,
			       strerror(error));
		EXPECT_TRUE(is_one_of(call->errors, error))
			TH_LOG("point %u: %s", nth, strerror(error));
		if (call->kinds & ANNOUNCED)
			state.digest = take_state(self->door).digest;
		expect_unchanged(_metadata, self->door, &state);
		take_snapshot(self, &now);
		EXPECT_EQ(before.peers, now.peers);
		EXPECT_EQ(before.position, now.position);
		EXPECT_EQ(before.events, now.events);
		EXPECT_EQ(0, memcmp(before.contents, now.contents, BYTES));
	}
	clear_stage(_metadata, self);
	return injected;
}

static bool is_zero(int fd)
{
	return pread(fd, buffer, BYTES, 0) == BYTES &&
	       all_bytes(buffer, 0, BYTES);
}

static bool close_file(struct stage *self, long fd)
{
	struct shmdev_info about;
	bool good = !info(fd, &about) && about.bytes >= BYTES;

	return !close(fd) && good;
}

static bool close_new(struct stage *self, long fd)
{
	bool good = is_zero(fd);

	return close_file(self, fd) && good;
}

/* It has two rings, in which there is nothing yet. */
static bool close_echoing(struct stage *self, long fd)
{
	bool good = !kick(fd);

	return close_file(self, fd) && good;
}

static bool close_greeted(struct stage *self, long fd)
{
	static const char greeting[] = SHMDEV_HELLO_GREETING;
	bool good = pread(fd, buffer, sizeof(greeting), 0) ==
		    sizeof(greeting) && !strcmp(buffer, greeting) && !kick(fd);

	return close_file(self, fd) && good;
}

static bool remove_new(struct stage *self, long fd)
{
	bool good = close_new(self, fd);

	return !remove_named(self->door, self->other) && good;
}

static long call_open(struct stage *self)
{
	return open(DEVICE, O_RDWR | O_CLOEXEC);
}

static long call_reopen(struct stage *self)
{
	return open(self->path, O_RDWR | O_CLOEXEC);
}

static bool fill_version(struct stage *self)
{
	arg.version = (struct shmdev_version){ .size = sizeof(arg.version) };
	return true;
}

static long call_version(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_VERSION, &arg);
}

static bool fill_create(__u64 bytes, __u32 flags, const char *name,
			const char *endpoint)
{
	arg.create = (struct shmdev_create){
		.size = sizeof(arg.create),
		.flags = flags,
		.bytes = bytes,
		.mode = 0600,
	};
	strcpy(arg.create.name, name);
	strcpy(arg.create.endpoint, endpoint);
	return true;
}

static bool fill_anonymous(struct stage *self)
{
	return fill_create(BYTES, 0, "", "");
}

static bool fill_huge(struct stage *self)
{
	return fill_create(HUGE_BYTES, 0, "", "");
}

static bool fill_kept(struct stage *self)
{
	return fill_create(BYTES, SHMDEV_CREATE_F_KEEP, self->other, "");
}

static bool fill_lazy(struct stage *self)
{
	return fill_create(HUGE_BYTES, SHMDEV_CREATE_F_LAZY, "", "");
}

static bool fill_hello(struct stage *self)
{
	return fill_create(BYTES, 0, "", "hello");
}

static bool fill_huge_hello(struct stage *self)
{
	return fill_create(HUGE_BYTES, 0, self->other, "hello");
}

static bool fill_echo(struct stage *self)
{
	return fill_create(BYTES, 0, "", "echo");
}

static long call_create(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_CREATE, &arg);
}

static bool fill_open(struct stage *self)
{
	arg.open = (struct shmdev_open){
		.size = sizeof(arg.open),
		.flags = O_RDWR,
	};
	strcpy(arg.open.name, self->name);
	return true;
}

static long call_open_named(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_OPEN, &arg);
}

/* The last reference is the name's: the memory goes too. */
static bool fill_remove(struct stage *self)
{
	int fd = create_kept(self->door, self->other, BYTES);

	arg.remove = (struct shmdev_remove){ .size = sizeof(arg.remove) };
	strcpy(arg.remove.name, self->other);
	return !close(fd);
}

static long call_remove(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_REMOVE, &arg);
}

static bool fill_list(struct stage *self)
{
	arg.list = (struct shmdev_list){
		.size = sizeof(arg.list),
		.flags = SHMDEV_LIST_F_EVERYWHERE,
		.entries = (uintptr_t)infos,
		.count = ARRAY_SIZE(infos),
		.entry_size = sizeof(infos[0]),
	};
	return true;
}

static long call_list(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_LIST, &arg);
}

static bool is_list(struct stage *self, long result)
{
	return arg.list.count >= 2 &&
	       infos[0].flags & SHMDEV_INFO_F_DEFAULT &&
	       arg.list.after == infos[arg.list.count - 1].id;
}

static bool fill_info(struct stage *self)
{
	arg.info = (struct shmdev_info){ .size = sizeof(arg.info) };
	return true;
}

static long call_info(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_INFO, &arg);
}

/* Three of them: the driver needs no more memory for one. */
static bool fill_mappings(struct stage *self)
{
	const size_t page = page_bytes();

	arg.mappings = (struct shmdev_mappings){
		.size = sizeof(arg.mappings),
		.entries = (uintptr_t)found,
		.count = ARRAY_SIZE(found),
		.entry_size = sizeof(found[0]),
	};
	self->view_bytes = 3 * page;
	self->view = map(self->file, 3 * page, PROT_READ | PROT_WRITE);
	return self->view != MAP_FAILED &&
	       !mprotect(self->view + page, page, PROT_READ);
}

static long call_mappings(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_MAPPINGS, &arg);
}

static bool is_three(struct stage *self, long result)
{
	return arg.mappings.count == 3 && arg.mappings.total == 3;
}

static bool fill_kick(struct stage *self)
{
	arg.kick = (struct shmdev_kick){ .size = sizeof(arg.kick) };
	return true;
}

static long call_kick(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_KICK, &arg);
}

static bool fill_look(struct stage *self)
{
	arg.look = (struct shmdev_look){ .size = sizeof(arg.look) };
	return true;
}

static long call_look(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_LOOK, &arg);
}

static bool is_one_event(struct stage *self, long result)
{
	return arg.look.events == 1;
}

/* None sleeps: the word, which is 's' four times or 0, is not 1. */
static bool fill_wait(struct stage *self)
{
	arg.wait = (struct shmdev_wait){
		.size = sizeof(arg.wait),
		.offset = BYTES / 2,
		.expected = 1,
		.timeout = SHMDEV_WAIT_FOREVER,
	};
	return true;
}

/* Of a page that is yet to be made. */
static bool fill_wait_lazy(struct stage *self)
{
	self->made = create(self->door, NULL, HUGE_BYTES, 0600,
			    SHMDEV_CREATE_F_LAZY, NULL);
	return self->made >= 0 && fill_wait(self);
}

static long call_wait_of(int fd)
{
	int ret = ioctl(fd, SHMDEV_IOC_WAIT, &arg);

	return ret && errno == EAGAIN ? 0 : ret;
}

static long call_wait(struct stage *self)
{
	return call_wait_of(self->file);
}

static long call_wait_lazy(struct stage *self)
{
	return call_wait_of(self->made);
}

static bool is_made(struct stage *self, long result)
{
	struct shmdev_info about;

	return !info(self->made, &about) && about.resident;
}

static bool fill_wake(struct stage *self)
{
	arg.wake = (struct shmdev_wake){
		.size = sizeof(arg.wake),
		.count = SHMDEV_WAKE_ALL,
	};
	return true;
}

static long call_wake(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_WAKE, &arg);
}

static bool fill_join(struct stage *self)
{
	arg.join = (struct shmdev_join){
		.size = sizeof(arg.join),
		.role = "failing",
	};
	return true;
}

static long call_join(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_JOIN, &arg);
}

/* The endpoint was the first. */
static bool is_second(struct stage *self, long result)
{
	return arg.join.id == 2 && peers_of(self->file) == 2;
}

static bool fill_leave(struct stage *self)
{
	arg.leave = (struct shmdev_leave){ .size = sizeof(arg.leave) };
	return !join(self->file, "failing", NULL);
}

static long call_leave(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_LEAVE, &arg);
}

static bool has_left(struct stage *self, long result)
{
	return peers_of(self->file) == 1;
}

static bool fill_peers(struct stage *self)
{
	arg.peers = (struct shmdev_peers){
		.size = sizeof(arg.peers),
		.entries = (uintptr_t)records,
		.count = ARRAY_SIZE(records),
		.entry_size = sizeof(records[0]),
	};
	return true;
}

static long call_peers(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_PEERS, &arg);
}

static bool is_peers(struct stage *self, long result)
{
	return arg.peers.count >= 1 && arg.peers.alive >= 1 &&
	       arg.peers.total >= arg.peers.count &&
	       !strcmp(records[0].role, "endpoint");
}

static bool fill_isolate(struct stage *self)
{
	arg.isolate = (struct shmdev_isolate){
		.size = sizeof(arg.isolate),
		.bytes = page_bytes(),
	};
	return true;
}

static long call_isolate(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_ISOLATE, &arg);
}

static bool is_isolated(struct stage *self, long result)
{
	struct shmdev_info now;

	return !info(self->file, &now) && now.flags & SHMDEV_INFO_F_ISOLATED;
}

/* Of its only claimable page, which a call that fails must not keep. */
static bool fill_claim(struct stage *self)
{
	arg.claim = (struct shmdev_claim){ .size = sizeof(arg.claim) };
	return !isolate(self->segment, 0, page_bytes(),
			SHMDEV_ISOLATE_F_CLAIMABLE);
}

static long call_claim(struct stage *self)
{
	return ioctl(self->file, SHMDEV_IOC_CLAIM, &arg);
}

static long call_claim_twice(struct stage *self)
{
	int fd = call_claim(self);

	/* Once that one has failed, there it is. */
	if (fd < 0) {
		int error = errno, other = call_claim(self);

		if (other < 0)
			return other;
		close(other);
		errno = error;
	}
	return fd;
}

static long call_mmap_shared(struct stage *self)
{
	return (long)mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			  self->file, 0);
}

static long call_mmap_private(struct stage *self)
{
	return (long)mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			  self->file, 0);
}

static long call_mmap_populated(struct stage *self)
{
	return (long)mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_POPULATE, self->file, 0);
}

static bool unmap(struct stage *self, long address)
{
	bool good = !memcmp((void *)address, self->contents, BYTES);

	return !munmap((void *)address, BYTES) && good;
}

static bool map_file(struct stage *self, int flags)
{
	self->view_bytes = BYTES;
	self->view = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, flags,
			  self->file, 0);
	return self->view != MAP_FAILED;
}

static bool map_shared(struct stage *self)
{
	return map_file(self, MAP_SHARED);
}

static bool map_private(struct stage *self)
{
	return map_file(self, MAP_PRIVATE);
}

static bool map_half(struct stage *self)
{
	self->view_bytes = BYTES / 2;
	self->view = map(self->file, BYTES / 2, PROT_READ | PROT_WRITE);
	return self->view != MAP_FAILED;
}

static bool map_copied(struct stage *self)
{
	if (!map_private(self))
		return false;
	memcpy(self->view, self->contents, BYTES);
	return true;
}

static bool map_lazy(struct stage *self)
{
	self->made = create(self->door, NULL, HUGE_BYTES, 0600,
			    SHMDEV_CREATE_F_LAZY, NULL);
	self->view_bytes = HUGE_BYTES;
	self->view = map(self->made, HUGE_BYTES, PROT_READ | PROT_WRITE);
	return self->view != MAP_FAILED;
}

/* A fault that cannot be served now is tried again until it can. */
static long call_touch(struct stage *self)
{
	*(volatile char *)(self->view + BYTES / 2) = 't';
	return 0;
}

static bool is_touched(struct stage *self, long result)
{
	self->view[BYTES / 2] = self->contents[BYTES / 2];
	return self->made >= 0 ||
	       !memcmp(self->view, self->contents, BYTES);
}

/* A fault within a call of the kernel is not. */
static long call_read_into_view(struct stage *self)
{
	return pread(self->file, self->view, BYTES, 0);
}

static bool is_read_into_view(struct stage *self, long result)
{
	return result > 0 && !memcmp(self->view, self->contents, result);
}

/*
 * The second half: a mapping that could be split only once of twice stays so,
 * which is the memory manager's business.
 */
static long call_munmap(struct stage *self)
{
	return munmap(self->view + BYTES / 2, BYTES / 2);
}

static long call_mprotect(struct stage *self)
{
	return mprotect(self->view + BYTES / 2, BYTES / 2, PROT_READ);
}

static long call_mremap(struct stage *self)
{
	return (long)mremap(self->view, BYTES / 2, BYTES, MREMAP_MAYMOVE);
}

static bool is_moved(struct stage *self, long address)
{
	self->view = (char *)address;
	self->view_bytes = BYTES;
	return !memcmp(self->view, self->contents, BYTES);
}

/* Only this thread's calls fail, so none of the child's. */
static long call_fork(struct stage *self)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		syscall(SYS_exit_group, self->view[BYTES / 2] !=
					self->contents[BYTES / 2]);
	return pid;
}

static bool is_reaped(struct stage *self, long pid)
{
	return !reap(pid);
}

static long call_read(struct stage *self)
{
	return read(self->file, buffer, BYTES);
}

static long call_pread(struct stage *self)
{
	return pread(self->file, buffer, BYTES - 1000, 1000);
}

/* Half of what was asked for is an answer too. */
static bool is_read(struct stage *self, long result)
{
	return result > 0 && !memcmp(buffer, self->contents, result) &&
	       lseek(self->file, 0, SEEK_CUR) == result;
}

static bool is_pread(struct stage *self, long result)
{
	return result > 0 && !memcmp(buffer, self->contents + 1000, result);
}

static bool fill_buffer(struct stage *self)
{
	memset(buffer, 'w', BYTES);
	return true;
}

static long call_write(struct stage *self)
{
	return write(self->file, buffer, BYTES);
}

/* What was written is there, and what was not is as it was. */
static bool is_written(struct stage *self, long result)
{
	memset(buffer, 0, BYTES);
	return result > 0 && pread(self->file, buffer, BYTES, 0) == BYTES &&
	       all_bytes(buffer, 'w', result) &&
	       !memcmp(buffer + result, self->contents + result,
		       BYTES - result);
}

static long call_splice_out(struct stage *self)
{
	return splice(self->file, NULL, self->pipe[1], NULL, BYTES / 2,
		      SPLICE_F_NONBLOCK);
}

static bool is_spliced_out(struct stage *self, long result)
{
	return result > 0 && read(self->pipe[0], buffer, BYTES) == result &&
	       !memcmp(buffer, self->contents, result);
}

static bool fill_pipe(struct stage *self)
{
	return fill_buffer(self) &&
	       write(self->pipe[1], buffer, BYTES / 2) == BYTES / 2;
}

static long call_splice_in(struct stage *self)
{
	return splice(self->pipe[0], NULL, self->file, NULL, BYTES / 2,
		      SPLICE_F_NONBLOCK);
}

static long call_poll(struct stage *self)
{
	struct pollfd waiting = { .fd = self->file, .events = POLLIN };

	return poll(&waiting, 1, 0);
}

static bool open_epoll(struct stage *self)
{
	self->made = epoll_create1(EPOLL_CLOEXEC);
	return self->made >= 0;
}

static long call_epoll_ctl(struct stage *self)
{
	struct epoll_event event = { .events = EPOLLOUT };

	return epoll_ctl(self->made, EPOLL_CTL_ADD, self->file, &event);
}

static bool is_watched(struct stage *self, long result)
{
	struct epoll_event event;

	return epoll_wait(self->made, &event, 1, 0) == 1;
}

static bool open_fdinfo(struct stage *self)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->file);
	self->made = open(path, O_RDONLY | O_CLOEXEC);
	return self->made >= 0;
}

static long call_fdinfo(struct stage *self)
{
	return read(self->made, buffer, BYTES);
}

static bool is_fdinfo(struct stage *self, long result)
{
	buffer[result] = '\0';
	return strstr(buffer, "shmdev-endpoint:\thello");
}

/*
 * Which errors mean what was injected. Others that the UAPI header has for a
 * command would be about something that is not the case.
 */
static const int none[] = { 0 };
static const int copying[] = { EFAULT, 0 };
static const int allocating[] = { ENOMEM, 0 };
static const int either[] = { ENOMEM, EFAULT, 0 };
static const int forking[] = { ENOMEM, EAGAIN, 0 };
/* procfs says ENOENT when it has no memory. */
static const int reopening[] = { ENOMEM, EFAULT, ENOENT, 0 };

FIXTURE(failnth) {
	struct stage stage;
};

FIXTURE_VARIANT(failnth) {
	struct call call;
};

FIXTURE_VARIANT_ADD(failnth, open) {
	.call = { "open", ON_DOOR, NULL, call_open,
		  close_file, either },
};

FIXTURE_VARIANT_ADD(failnth, reopen) {
	.call = { "reopen", ON_BOTH, NULL, call_reopen,
		  close_file, reopening },
};

FIXTURE_VARIANT_ADD(failnth, version) {
	.call = { "version", ON_BOTH, fill_version, call_version,
		  NULL, copying },
};

FIXTURE_VARIANT_ADD(failnth, create_anonymous) {
	.call = { "create anonymous", ON_DOOR, fill_anonymous, call_create,
		  close_new, either },
};

FIXTURE_VARIANT_ADD(failnth, create_huge) {
	.call = { "create huge", ON_DOOR, fill_huge, call_create,
		  close_new, either },
};

FIXTURE_VARIANT_ADD(failnth, create_kept) {
	.call = { "create kept", ON_DOOR, fill_kept, call_create,
		  remove_new, either },
};

FIXTURE_VARIANT_ADD(failnth, create_lazy) {
	.call = { "create lazy", ON_DOOR, fill_lazy, call_create,
		  close_new, either },
};

FIXTURE_VARIANT_ADD(failnth, create_hello) {
	.call = { "create hello", ON_DOOR, fill_hello, call_create,
		  close_greeted, either },
};

FIXTURE_VARIANT_ADD(failnth, create_huge_hello) {
	.call = { "create huge hello", ON_DOOR, fill_huge_hello, call_create,
		  close_greeted, either },
};

FIXTURE_VARIANT_ADD(failnth, create_echo) {
	.call = { "create echo", ON_DOOR, fill_echo, call_create,
		  close_echoing, either },
};

FIXTURE_VARIANT_ADD(failnth, open_named) {
	.call = { "open named", ON_DOOR, fill_open, call_open_named,
		  close_file, either },
};

FIXTURE_VARIANT_ADD(failnth, remove) {
	.call = { "remove", ON_DOOR, fill_remove, call_remove,
		  NULL, copying },
};

FIXTURE_VARIANT_ADD(failnth, list) {
	.call = { "list", ON_DOOR, fill_list, call_list,
		  is_list, either },
};

FIXTURE_VARIANT_ADD(failnth, info) {
	.call = { "info", ON_BOTH, fill_info, call_info,
		  NULL, copying },
};

FIXTURE_VARIANT_ADD(failnth, mappings) {
	.call = { "mappings", ON_BOTH, fill_mappings, call_mappings,
		  is_three, either },
};

FIXTURE_VARIANT_ADD(failnth, kick) {
	.call = { "kick", ON_SEGMENT, fill_kick, call_kick,
		  NULL, copying },
};

FIXTURE_VARIANT_ADD(failnth, look) {
	.call = { "look", ON_SEGMENT, fill_look, call_look,
		  is_one_event, copying },
};

FIXTURE_VARIANT_ADD(failnth, wait) {
	.call = { "wait", ON_BOTH, fill_wait, call_wait,
		  NULL, copying },
};

FIXTURE_VARIANT_ADD(failnth, wait_lazy) {
	.call = { "wait lazy", ON_SEGMENT, fill_wait_lazy, call_wait_lazy,
		  is_made, either },
};

FIXTURE_VARIANT_ADD(failnth, wake) {
	.call = { "wake", ON_SEGMENT, fill_wake, call_wake,
		  NULL, copying },
};

FIXTURE_VARIANT_ADD(failnth, join) {
	.call = { "join", ON_SEGMENT | ANNOUNCED, fill_join, call_join,
		  is_second, either },
};

FIXTURE_VARIANT_ADD(failnth, leave) {
	.call = { "leave", ON_SEGMENT, fill_leave, call_leave,
		  has_left, copying },
};

FIXTURE_VARIANT_ADD(failnth, peers) {
	.call = { "peers", ON_BOTH, fill_peers, call_peers,
		  is_peers, either },
};

FIXTURE_VARIANT_ADD(failnth, isolate) {
	.call = { "isolate", ON_SEGMENT, fill_isolate, call_isolate,
		  is_isolated, copying },
};

FIXTURE_VARIANT_ADD(failnth, claim) {
	.call = { "claim", ON_SEGMENT, fill_claim, call_claim_twice,
		  close_file, either },
};

FIXTURE_VARIANT_ADD(failnth, mmap_shared) {
	.call = { "mmap shared", ON_BOTH, NULL, call_mmap_shared,
		  unmap, allocating },
};

FIXTURE_VARIANT_ADD(failnth, mmap_private) {
	.call = { "mmap private", ON_BOTH, NULL, call_mmap_private,
		  unmap, allocating },
};

FIXTURE_VARIANT_ADD(failnth, mmap_populated) {
	.call = { "mmap populated", ON_BOTH, NULL, call_mmap_populated,
		  unmap, allocating },
};

FIXTURE_VARIANT_ADD(failnth, munmap) {
	.call = { "munmap", ON_BOTH, map_shared, call_munmap,
		  NULL, allocating },
};

FIXTURE_VARIANT_ADD(failnth, mprotect) {
	.call = { "mprotect", ON_BOTH, map_shared, call_mprotect,
		  NULL, allocating },
};

FIXTURE_VARIANT_ADD(failnth, mremap) {
	.call = { "mremap", ON_BOTH, map_half, call_mremap,
		  is_moved, allocating },
};

FIXTURE_VARIANT_ADD(failnth, touch) {
	.call = { "touch", ON_BOTH, map_shared, call_touch,
		  is_touched, none },
};

FIXTURE_VARIANT_ADD(failnth, touch_private) {
	.call = { "touch private", ON_BOTH, map_private, call_touch,
		  is_touched, none },
};

FIXTURE_VARIANT_ADD(failnth, touch_lazy) {
	.call = { "touch lazy", ON_SEGMENT, map_lazy, call_touch,
		  is_touched, none },
};

FIXTURE_VARIANT_ADD(failnth, read_into_lazy) {
	.call = { "read into lazy", ON_SEGMENT, map_lazy, call_read_into_view,
		  is_read_into_view, either },
};

FIXTURE_VARIANT_ADD(failnth, fork) {
	.call = { "fork", ON_BOTH, map_shared, call_fork,
		  is_reaped, forking },
};

FIXTURE_VARIANT_ADD(failnth, fork_with_copies) {
	.call = { "fork with copies", ON_SEGMENT, map_copied, call_fork,
		  is_reaped, forking },
};

FIXTURE_VARIANT_ADD(failnth, read) {
	.call = { "read", ON_BOTH, NULL, call_read,
		  is_read, either },
};

FIXTURE_VARIANT_ADD(failnth, pread) {
	.call = { "pread", ON_BOTH, NULL, call_pread,
		  is_pread, either },
};

FIXTURE_VARIANT_ADD(failnth, write) {
	.call = { "write", ON_BOTH, fill_buffer, call_write,
		  is_written, either },
};

FIXTURE_VARIANT_ADD(failnth, splice_out) {
	.call = { "splice out", ON_BOTH, NULL, call_splice_out,
		  is_spliced_out, either },
};

FIXTURE_VARIANT_ADD(failnth, splice_in) {
	.call = { "splice in", ON_BOTH, fill_pipe, call_splice_in,
		  is_written, either },
};

FIXTURE_VARIANT_ADD(failnth, poll) {
	.call = { "poll", ON_BOTH, NULL, call_poll,
		  NULL, either },
};

FIXTURE_VARIANT_ADD(failnth, epoll_ctl) {
	.call = { "epoll ctl", ON_BOTH, open_epoll, call_epoll_ctl,
		  is_watched, either },
};

FIXTURE_VARIANT_ADD(failnth, fdinfo) {
	.call = { "fdinfo", ON_BOTH, open_fdinfo, call_fdinfo,
		  is_fdinfo, either },
};

FIXTURE_SETUP(failnth)
{
	struct stage *stage = &self->stage;

	stage->door = open_door();
	ASSERT_LE(0, stage->door);
	ASSERT_LE(BYTES, bytes_of(stage->door));
	unload_module("shmdev_echo");
	ASSERT_EQ(0, load_module("shmdev_echo", ""));
	stage->fail_nth = open_fail_nth();
	ASSERT_LE(0, stage->fail_nth);
	make_name(stage->name, "failnth");
	make_name(stage->other, "other");
}

FIXTURE_TEARDOWN(failnth)
{
	close(self->stage.fail_nth);
	close(self->stage.door);
	unload_module("shmdev_echo");
}

static void try_all(struct __test_metadata *_metadata, struct stage *stage,
		    const struct call *call, enum kind kind)
{
	struct state before = take_state(stage->door);
	long kilobytes = shmem_kilobytes();
	unsigned int points = 0, refused = 0, again = 1, ignored = 0;

	ASSERT_LE(0, kilobytes);
	while (try_once(_metadata, stage, call, kind, points + 1, &refused))
		points++;
	/*
	 * Now and then an allocator needs a page for itself. That is a point,
	 * too, and those after it are others then: one can be passed by, but
	 * hardly twice.
	 */
	while (try_once(_metadata, stage, call, kind, again, &ignored))
		again++;
	/* The harness leaves by _exit(). */
	printf("# %s, %s: %u failure points, %u of them refused it\n",
	       call->what, kind == DOOR ? "door" : "segment", points, refused);
	fflush(stdout);
	EXPECT_FALSE(try_once(_metadata, stage, call, kind, 0, &refused));
	expect_unchanged(_metadata, stage->door, &before);
	EXPECT_EQ(kilobytes, shmem_kilobytes());
}

/* "errors": a call that fails has done nothing */
TEST_F_TIMEOUT(failnth, call_is_complete_or_leaves_no_trace, 170)
{
	const struct call *call = &variant->call;

	if (call->kinds & ON_DOOR)
		try_all(_metadata, &self->stage, call, DOOR);
	if (call->kinds & ON_SEGMENT)
		try_all(_metadata, &self->stage, call, SEGMENT);
}

FIXTURE(load) {
	struct driver saved;
	const char *reason;
	int fail_nth;
	int module;
};

FIXTURE_SETUP(load)
{
	char path[200];

	self->reason = driver_save(&self->saved);
	module_path(path, sizeof(path), "shmdev");
	self->module = open(path, O_RDONLY | O_CLOEXEC);
	self->fail_nth = open_fail_nth();
	ASSERT_LE(0, self->fail_nth);
}

FIXTURE_TEARDOWN(load)
{
	if (!self->reason)
		EXPECT_EQ(0, driver_restore(&self->saved))
			TH_LOG("%s", strerror(errno));
	close(self->module);
	close(self->fail_nth);
}

/* Nothing of the driver shows. */
static bool is_absent(void)
{
	static const char *const paths[] = {
		DEVICE, "/sys/module/shmdev", "/sys/class/misc/shmdev",
		"/sys/kernel/tracing/events/shmdev",
	};
	char text[4096];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++)
		if (!access(paths[i], F_OK))
			return false;
	return read_file("/proc/misc", text, sizeof(text)) >= 0 &&
	       !strstr(text, "shmdev");
}

/* The kernel goes on without the device node if that is what fails. */
static bool works(void)
{
	int door = open_door();
	bool good;

	if (door < 0)
		return errno == ENOENT && !access("/sys/class/misc/shmdev",
						  F_OK);
	good = !kick(door);
	return !close(door) && good;
}

/* With a failure at @nth: did it come? */
static bool load_once(int fail_nth, int module, const char *parameters,
		      unsigned int nth, int *error)
{
	long result;

	arm(fail_nth, nth);
	result = syscall(SYS_finit_module, module, parameters, 0);
	*error = result ? errno : 0;
	return disarm(fail_nth);
}

/*
 * The points before parameters are looked at: no code of the driver's has run,
 * and other parts of the kernel, tracing and static branches, warn when they
 * get no memory for a new module.
 */
static unsigned int points_of_loader(struct __test_metadata *_metadata,
				     int fail_nth, int module)
{
	const unsigned int many = 1000000;
	char text[16] = "";
	int error;

	arm(fail_nth, many);
	errno = 0;
	syscall(SYS_finit_module, module, "size=none", 0);
	error = errno;
	EXPECT_LT(0, pread(fail_nth, text, sizeof(text) - 1, 0));
	disarm(fail_nth);
	EXPECT_EQ(EINVAL, error) TH_LOG("%s", strerror(error));
	return many - atoi(text);
}

/* "the device": a driver that cannot be loaded is as if it never had been */
TEST_F_TIMEOUT(load, driver_is_there_or_leaves_no_trace, 900)
{
	/* EBUSY is what misc_register() says when it has no memory. */
	static const int errors[] = { ENOMEM, EFAULT, EBUSY, 0 };
	unsigned int nth, first, refused = 0;
	bool injected = true;
	long kilobytes;

	if (self->reason)
		SKIP(return, "%s", self->reason);
	ASSERT_EQ(0, unload_module("shmdev")) TH_LOG("%s", strerror(errno));
	kilobytes = shmem_kilobytes();
	first = points_of_loader(_metadata, self->fail_nth,
				 self->module);
	for (nth = first; injected; nth++) {
		int error;

		injected = load_once(self->fail_nth, self->module,
				     self->saved.parameters, nth, &error);
		if (!error) {
			EXPECT_TRUE(works()) TH_LOG("point %u", nth);
			ASSERT_EQ(0, unload_module("shmdev"))
				TH_LOG("point %u: %s", nth, strerror(errno));
		} else {
			refused++;
			EXPECT_TRUE(injected) TH_LOG("%s", strerror(error));
			EXPECT_TRUE(is_one_of(errors, error))
				TH_LOG("point %u: %s", nth, strerror(error));
		}
		ASSERT_TRUE(is_absent()) TH_LOG("point %u", nth);
		ASSERT_EQ(kilobytes, shmem_kilobytes()) TH_LOG("point %u", nth);
	}
	printf("# module load: %u failure points, %u of them refused it\n",
	       nth - 1 - first, refused);
	fflush(stdout);
}

TEST_HARNESS_MAIN

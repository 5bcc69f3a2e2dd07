// SPDX-License-Identifier: GPL-2.0
/*
 * A caller that is frozen inside its copy to or from user memory, for as long
 * as its owner likes: userfaultfd, like FUSE or a slow swap device, can do
 * that to any access. Nobody else may have to wait for it, but for those who
 * write to the same segment while a write is frozen; and SIGKILL ends it.
 */
#include <linux/userfaultfd.h>

#include "shmdev_test.h"

/* Of the trap, three pages, it is the middle one that freezes. */
enum where {
	FIRST_WORD,	/* of the argument, which begins there */
	REST,		/* all but the first two words of it */
	ENTRIES,	/* the array that it points to */
	ANSWER,		/* it can be read, but not be written to */
};

/* Through which file. */
enum file {
	THE_DOOR,
	THE_SEGMENT,
	THE_PART,	/* of four pages; all but the first may be claimed */
};

#define DO_READ		_IO(0, 0)
#define DO_WRITE	_IO(0, 1)

FIXTURE(frozen) {
	int door;
	int segment;
	int part;
	int other;
	int fd;
	size_t page;
	char *trap;
	char *arg;
	char *view;
	char name[SHMDEV_NAME_SIZE];
	struct state before;
	__u32 peers;		/* of @fd */
	const char *reason;
	pid_t pid;
	pid_t waker;
	int uffd;
};

FIXTURE_VARIANT(frozen) {
	unsigned int request;
	enum where where;
	enum file file;
	bool trap_in_segment;
};

#define FREEZES(name, request, where, file, trap_in_segment)		\
	FIXTURE_VARIANT_ADD(frozen, name) {				\
		request, where, THE_##file, trap_in_segment		\
	}

FREEZES(version_in, SHMDEV_IOC_VERSION, FIRST_WORD, SEGMENT, false);
FREEZES(version_in_rest, SHMDEV_IOC_VERSION, REST, SEGMENT, false);
FREEZES(version_out, SHMDEV_IOC_VERSION, ANSWER, SEGMENT, false);
FREEZES(create_in, SHMDEV_IOC_CREATE, FIRST_WORD, DOOR, false);
FREEZES(create_in_rest, SHMDEV_IOC_CREATE, REST, DOOR, false);
FREEZES(open_in, SHMDEV_IOC_OPEN, FIRST_WORD, DOOR, false);
FREEZES(open_in_rest, SHMDEV_IOC_OPEN, REST, DOOR, false);
FREEZES(remove_in, SHMDEV_IOC_REMOVE, FIRST_WORD, DOOR, false);
FREEZES(remove_in_rest, SHMDEV_IOC_REMOVE, REST, DOOR, false);
FREEZES(list_in, SHMDEV_IOC_LIST, FIRST_WORD, DOOR, false);
FREEZES(list_in_rest, SHMDEV_IOC_LIST, REST, DOOR, false);
FREEZES(list_entries, SHMDEV_IOC_LIST, ENTRIES, DOOR, false);
FREEZES(list_out, SHMDEV_IOC_LIST, ANSWER, DOOR, false);
FREEZES(info_in, SHMDEV_IOC_INFO, FIRST_WORD, SEGMENT, false);
FREEZES(info_in_rest, SHMDEV_IOC_INFO, REST, SEGMENT, false);
FREEZES(info_out, SHMDEV_IOC_INFO, ANSWER, SEGMENT, false);
FREEZES(info_out_door, SHMDEV_IOC_INFO, ANSWER, DOOR, false);
FREEZES(mappings_in, SHMDEV_IOC_MAPPINGS, FIRST_WORD, SEGMENT, false);
FREEZES(mappings_in_rest, SHMDEV_IOC_MAPPINGS, REST, SEGMENT, false);
FREEZES(mappings_entries, SHMDEV_IOC_MAPPINGS, ENTRIES, SEGMENT, false);
FREEZES(mappings_out, SHMDEV_IOC_MAPPINGS, ANSWER, SEGMENT, false);
FREEZES(kick_in, SHMDEV_IOC_KICK, FIRST_WORD, SEGMENT, false);
FREEZES(kick_in_rest, SHMDEV_IOC_KICK, REST, SEGMENT, false);
FREEZES(look_in, SHMDEV_IOC_LOOK, FIRST_WORD, SEGMENT, false);
FREEZES(look_in_rest, SHMDEV_IOC_LOOK, REST, SEGMENT, false);
FREEZES(look_out, SHMDEV_IOC_LOOK, ANSWER, SEGMENT, false);
FREEZES(wait_in, SHMDEV_IOC_WAIT, FIRST_WORD, SEGMENT, false);
FREEZES(wait_in_rest, SHMDEV_IOC_WAIT, REST, SEGMENT, false);
FREEZES(wait_out, SHMDEV_IOC_WAIT, ANSWER, SEGMENT, false);
FREEZES(wake_in, SHMDEV_IOC_WAKE, FIRST_WORD, SEGMENT, false);
FREEZES(wake_in_rest, SHMDEV_IOC_WAKE, REST, SEGMENT, false);
FREEZES(join_in, SHMDEV_IOC_JOIN, FIRST_WORD, SEGMENT, false);
FREEZES(join_in_rest, SHMDEV_IOC_JOIN, REST, SEGMENT, false);
FREEZES(join_out, SHMDEV_IOC_JOIN, ANSWER, SEGMENT, false);
FREEZES(join_out_door, SHMDEV_IOC_JOIN, ANSWER, DOOR, false);
FREEZES(leave_in, SHMDEV_IOC_LEAVE, FIRST_WORD, SEGMENT, false);
FREEZES(peers_in, SHMDEV_IOC_PEERS, FIRST_WORD, SEGMENT, false);
FREEZES(peers_in_rest, SHMDEV_IOC_PEERS, REST, SEGMENT, false);
FREEZES(peers_entries, SHMDEV_IOC_PEERS, ENTRIES, SEGMENT, false);
FREEZES(peers_entries_door, SHMDEV_IOC_PEERS, ENTRIES, DOOR, false);
FREEZES(peers_out, SHMDEV_IOC_PEERS, ANSWER, SEGMENT, false);
FREEZES(isolate_in, SHMDEV_IOC_ISOLATE, FIRST_WORD, PART, false);
FREEZES(isolate_in_rest, SHMDEV_IOC_ISOLATE, REST, PART, false);
FREEZES(claim_in, SHMDEV_IOC_CLAIM, FIRST_WORD, PART, false);
FREEZES(claim_in_rest, SHMDEV_IOC_CLAIM, REST, PART, false);
FREEZES(claim_out, SHMDEV_IOC_CLAIM, ANSWER, PART, false);
FREEZES(read, DO_READ, FIRST_WORD, SEGMENT, false);
FREEZES(read_door, DO_READ, FIRST_WORD, DOOR, false);
FREEZES(read_into_itself, DO_READ, FIRST_WORD, SEGMENT, true);
FREEZES(write, DO_WRITE, FIRST_WORD, SEGMENT, false);
FREEZES(write_door, DO_WRITE, FIRST_WORD, DOOR, false);
FREEZES(write_from_itself, DO_WRITE, FIRST_WORD, SEGMENT, true);
FREEZES(info_in_itself, SHMDEV_IOC_INFO, FIRST_WORD, SEGMENT, true);
FREEZES(mappings_in_itself, SHMDEV_IOC_MAPPINGS, ENTRIES, SEGMENT, true);
FREEZES(wait_in_itself, SHMDEV_IOC_WAIT, FIRST_WORD, SEGMENT, true);
FREEZES(join_in_itself, SHMDEV_IOC_JOIN, FIRST_WORD, SEGMENT, true);

/* Any command's argument, at @to, as it is before the call. */
static void fill(void *to, unsigned int request, const char *name,
		 void *entries)
{
	union {
		struct shmdev_version version;
		struct shmdev_create create;
		struct shmdev_open open;
		struct shmdev_remove remove;
		struct shmdev_list list;
		struct shmdev_info info;
		struct shmdev_mappings mappings;
		struct shmdev_wait wait;
		struct shmdev_wake wake;
		struct shmdev_join join;
		struct shmdev_leave leave;
		struct shmdev_peers peers;
		struct shmdev_isolate isolate;
		struct shmdev_claim claim;
	} arg;

	memset(&arg, 0, sizeof(arg));
	arg.version.size = _IOC_SIZE(request);
	switch (request) {
	case SHMDEV_IOC_CREATE:
		arg.create.bytes = page_bytes();
		strcpy(arg.create.name, name);
		strcat(arg.create.name, "-made");
		break;
	case SHMDEV_IOC_OPEN:
		strcpy(arg.open.name, name);
		break;
	case SHMDEV_IOC_REMOVE:
		strcpy(arg.remove.name, name);
		break;
	case SHMDEV_IOC_LIST:
		arg.list.entries = (uintptr_t)entries;
		arg.list.count = 1;
		arg.list.entry_size = sizeof(struct shmdev_info);
		break;
	case SHMDEV_IOC_MAPPINGS:
		arg.mappings.entries = (uintptr_t)entries;
		arg.mappings.count = 1;
		arg.mappings.entry_size = sizeof(struct shmdev_mapping);
		break;
	/* The last word of the first page is zero, and somebody wakes. */
	case SHMDEV_IOC_WAIT:
		arg.wait.offset = page_bytes() - sizeof(__u32);
		arg.wait.timeout = SHMDEV_WAIT_FOREVER;
		break;
	case SHMDEV_IOC_WAKE:
		arg.wake.count = SHMDEV_WAKE_ALL;
		break;
	case SHMDEV_IOC_JOIN:
		strcpy(arg.join.role, "frozen");
		break;
	case SHMDEV_IOC_PEERS:
		arg.peers.entries = (uintptr_t)entries;
		arg.peers.count = 1;
		arg.peers.entry_size = sizeof(struct shmdev_peer);
		break;
	case SHMDEV_IOC_ISOLATE:
		arg.isolate.bytes = page_bytes();
		break;
	case SHMDEV_IOC_CLAIM:
		arg.claim.offset = page_bytes();
		break;
	}
	memcpy(to, &arg, _IOC_SIZE(request));
}

/* Can a page be protected against writing so that a write to it freezes? */
static const char *why_not(bool protect)
{
	struct uffdio_api api = { .api = UFFD_API };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	const char *reason = NULL;

	if (uffd < 0)
		return "no userfaultfd in this kernel";
	if (ioctl(uffd, UFFDIO_API, &api))
		reason = "userfaultfd of another version";
	else if (protect && !(api.features & UFFD_FEATURE_PAGEFAULT_FLAG_WP))
		reason = "userfaultfd does not protect against writing here";
	close(uffd);
	return reason;
}

/* The argument, but for what lies in the middle page: that goes to its image. */
FIXTURE_SETUP(frozen)
{
	char image[2 * sizeof(struct shmdev_info)];
	size_t before, size = _IOC_SIZE(variant->request);
	bool lazy = variant->trap_in_segment;

	self->page = page_bytes();
	self->reason = why_not(variant->where == ANSWER);
	make_name(self->name, "frozen");
	self->door = open_door();
	ASSERT_LE(0, self->door);
	self->segment = create(self->door, self->name,
			       lazy ? 4 * MIB : 4 * self->page, 0600,
			       lazy ? SHMDEV_CREATE_F_LAZY :
				      SHMDEV_CREATE_F_KEEP,
			       lazy ? NULL : "hello");
	ASSERT_LE(0, self->segment);
	self->other = create(self->door, NULL, self->page, 0600, 0, "hello");
	ASSERT_LE(0, self->other);
	self->part = create(self->door, NULL, 4 * self->page, 0600, 0, NULL);
	ASSERT_LE(0, self->part);
	ASSERT_EQ(0, isolate(self->part, self->page, 3 * self->page,
			     SHMDEV_ISOLATE_F_CLAIMABLE));
	self->fd = variant->file == THE_DOOR ? self->door :
		   variant->file == THE_PART ? self->part : self->segment;

	self->trap = mmap(NULL, 3 * self->page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->trap);
	if (variant->trap_in_segment)
		ASSERT_NE(MAP_FAILED,
			  mmap(self->trap + self->page, self->page,
			       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			       self->segment, self->page));
	/* One mapping at least, for MAPPINGS to tell of. */
	self->view = map(self->segment, self->page, PROT_READ);
	ASSERT_NE(MAP_FAILED, self->view);
	self->peers = peers_of(self->fd);
	self->before = take_state(self->door);

	self->arg = self->trap;
	if (variant->where == FIRST_WORD || variant->where == ANSWER)
		self->arg += self->page;
	else if (variant->where == REST)
		self->arg += self->page - 2 * sizeof(__u32);
	fill(image, variant->request, self->name, self->trap +
	     (variant->where == ENTRIES ? 1 : 2) * self->page);
	before = variant->where == REST ? 2 * sizeof(__u32) :
		 variant->where == FIRST_WORD ? 0 : size;
	memcpy(self->arg, image, before);
	self->pid = 0;
	self->waker = 0;
}

static void end_waker(FIXTURE_DATA(frozen) *self)
{
	if (self->waker)
		kill_and_reap(self->waker);
	self->waker = 0;
}

FIXTURE_TEARDOWN(frozen)
{
	end_waker(self);
	if (!self->reason)
		close(self->uffd);
	remove_named(self->door, self->name);
	munmap(self->trap, 3 * self->page);
	munmap(self->view, self->page);
	close(self->other);
	close(self->part);
	close(self->segment);
	close(self->door);
}

/* In the child: sets the trap, hands its handle out, and walks into it. */
static void freeze(FIXTURE_DATA(frozen) *self,
		   const FIXTURE_VARIANT(frozen) *variant, int socket)
{
	bool protect = variant->where == ANSWER;
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = protect ? UFFD_FEATURE_PAGEFAULT_FLAG_WP : 0,
	};
	struct uffdio_register area = {
		.range = { (uintptr_t)self->trap + self->page, self->page },
		.mode = protect ? UFFDIO_REGISTER_MODE_WP :
				  UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_writeprotect lock = {
		.range = area.range,
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};
	/* One that blocks is not for poll(). */
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	CHILD_CHECK(uffd >= 0);
	CHILD_CHECK(!ioctl(uffd, UFFDIO_API, &api));
	CHILD_CHECK(!ioctl(uffd, UFFDIO_REGISTER, &area));
	if (protect) {
		/* What fork() shared is copied now, and not in the call. */
		CHILD_CHECK(!touch_write(self->trap + self->page));
		CHILD_CHECK(!ioctl(uffd, UFFDIO_WRITEPROTECT, &lock));
	}
	CHILD_CHECK(!send_fd(socket, uffd));
	if (variant->request == SHMDEV_IOC_LEAVE)
		CHILD_CHECK(!join(self->fd, "frozen", NULL));
	if (variant->request == DO_READ)
		CHILD_CHECK(pread(self->fd, self->arg, 8, 0) == 8);
	/* Far from the trap, or the page there would come with a huge one. */
	else if (variant->request == DO_WRITE)
		CHILD_CHECK(pwrite(self->fd, self->arg, 8,
				   variant->trap_in_segment ? 2 * MIB :
							      2048) == 8);
	else
		CHILD_CHECK(ioctl(self->fd, variant->request, self->arg) >= 0);
	_exit(0);
}

/* Returns when the child is in the trap, so in its copy. */
static bool is_frozen(FIXTURE_DATA(frozen) *self,
		      const FIXTURE_VARIANT(frozen) *variant)
{
	struct pollfd fault = { .events = POLLIN };
	struct uffd_msg message;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return false;
	if (variant->request == SHMDEV_IOC_WAIT)
		self->waker = fork_child();
	if (variant->request == SHMDEV_IOC_WAIT && !self->waker)
		for (;; usleep(1000))
			CHILD_CHECK(wake_word(self->segment, self->page -
					      sizeof(__u32), 1) >= 0);
	self->pid = fork_child();
	if (!self->pid)
		freeze(self, variant, ends[1]);
	close(ends[1]);
	self->uffd = receive_fd(ends[0]);
	close(ends[0]);
	fault.fd = self->uffd;
	return self->uffd >= 0 && poll(&fault, 1, 10000) == 1 &&
	       read(self->uffd, &message, sizeof(message)) ==
	       sizeof(message) && message.event == UFFD_EVENT_PAGEFAULT;
}

/* Lets the child go on, with what it expects in the page. */
static void release(FIXTURE_DATA(frozen) *self,
		    const FIXTURE_VARIANT(frozen) *variant)
{
	static char image[1 << 16] __attribute__((aligned(1 << 16)));
	char arg[sizeof(struct shmdev_info)];
	size_t size = _IOC_SIZE(variant->request);
	size_t before = variant->where == REST ? 2 * sizeof(__u32) : 0;
	struct uffdio_range range = {
		(uintptr_t)self->trap + self->page, self->page,
	};
	struct uffdio_copy copy = {
		.dst = range.start,
		.src = (uintptr_t)image,
		.len = range.len,
	};
	struct uffdio_writeprotect unlock = { .range = range };

	if (variant->where == ANSWER) {
		ioctl(self->uffd, UFFDIO_WRITEPROTECT, &unlock);
		return;
	}
	memset(image, 0, sizeof(image));
	fill(arg, variant->request, self->name, self->trap + 2 * self->page);
	if (variant->where != ENTRIES)
		memcpy(image, arg + before, size - before);
	if (!variant->trap_in_segment) {
		ioctl(self->uffd, UFFDIO_COPY, &copy);
		return;
	}
	/* It is there by now, since others have touched it. */
	memcpy(self->trap + self->page, image, self->page);
	ioctl(self->uffd, UFFDIO_WAKE, &range);
}

/* What others do meanwhile, to the same segment where that makes sense. */
static bool other_asks(FIXTURE_DATA(frozen) *self)
{
	const int fds[] = { self->door, self->segment, self->part, self->other };
	struct shmdev_mapping maps[4];
	struct shmdev_info about;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++)
		if (version(fds[i]) || info(fds[i], &about) ||
		    look(fds[i]) == ~0ULL ||
		    mappings(fds[i], maps, ARRAY_SIZE(maps), NULL) < 0)
			return false;
	return true;
}

static bool other_lists(FIXTURE_DATA(frozen) *self)
{
	struct shmdev_info entries[8];

	return list(self->door, 0, 0, entries, ARRAY_SIZE(entries)) >= 3;
}

static bool other_creates(FIXTURE_DATA(frozen) *self)
{
	char name[SHMDEV_NAME_SIZE];
	int fd;

	make_name(name, "meanwhile");
	fd = create(self->door, name, self->page, 0600, SHMDEV_CREATE_F_KEEP,
		    "hello");
	return fd >= 0 && !close(fd) &&
	       !close(open_named(self->door, name, O_RDWR)) &&
	       !remove_named(self->door, name);
}

static bool other_opens(FIXTURE_DATA(frozen) *self)
{
	int fd = open_named(self->door, self->name, O_RDWR);
	int again = reopen(self->segment, O_RDWR);
	int door = open_door();

	return !close(fd) && !close(again) && !close(door);
}

static bool other_kicks(FIXTURE_DATA(frozen) *self)
{
	return !kick(self->door) && !kick(self->other) &&
	       (!kick(self->segment) || errno == ENOTCONN);
}

static bool other_polls(FIXTURE_DATA(frozen) *self)
{
	struct pollfd files[] = {
		{ self->door, POLLOUT, 0 },
		{ self->segment, POLLOUT, 0 },
		{ self->other, POLLOUT, 0 },
	};

	return poll(files, ARRAY_SIZE(files), 0) == ARRAY_SIZE(files);
}

/* On words of each page, and of other segments. */
static bool other_waits(FIXTURE_DATA(frozen) *self)
{
	size_t i;

	for (i = 0; i < 4; i++)
		if (wait_word(self->segment, i * self->page + 8, ~0U, 0) != -1 ||
		    errno != EAGAIN ||
		    wake_word(self->segment, i * self->page + 8, 1))
			return false;
	return wait_word(self->segment, self->page - 8, 0,
			 NSEC_PER_MSEC) == -1 && errno == ETIMEDOUT &&
	       wait_word(self->other, self->page - 8, 0,
			 NSEC_PER_MSEC) == -1 && errno == ETIMEDOUT &&
	       !wake_word(self->door, 0, 1);
}

static bool other_joins(FIXTURE_DATA(frozen) *self)
{
	const int fds[] = { self->door, self->segment, self->part, self->other };
	struct shmdev_peer entry;
	__u64 id;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++)
		if (join(fds[i], "other", &id) ||
		    peers(fds[i], id, &entry, 1, NULL, NULL) != 1 ||
		    entry.pid != getpid() || leave(fds[i]))
			return false;
	return true;
}

static bool other_isolates(FIXTURE_DATA(frozen) *self)
{
	__u64 first = self->page, second = self->page;
	int own = create(self->door, NULL, self->page, 0600, 0, NULL);

	return !isolate(own, 0, self->page, 0) && !close(own) &&
	       claim(self->part, &first) >= 0 &&
	       claim(self->part, &second) >= 0 && first != second;
}

static bool other_maps(FIXTURE_DATA(frozen) *self)
{
	char *view = map(self->segment, 4 * self->page, PROT_READ | PROT_WRITE);
	char *door = map(self->door, self->page, PROT_READ | PROT_WRITE);
	size_t i;

	if (view == MAP_FAILED || door == MAP_FAILED)
		return false;
	for (i = 0; i < 4; i++)
		if (touch_write(view + i * self->page))
			return false;
	return !touch_write(door) && !munmap(view, 4 * self->page) &&
	       !munmap(door, self->page);
}

static bool other_reads(FIXTURE_DATA(frozen) *self)
{
	char bytes[16];

	return pread(self->segment, bytes, sizeof(bytes), 0) == sizeof(bytes) &&
	       pread(self->segment, bytes, sizeof(bytes), self->page) ==
	       sizeof(bytes) &&
	       pread(self->door, bytes, sizeof(bytes), 0) == sizeof(bytes);
}

static bool other_writes_elsewhere(FIXTURE_DATA(frozen) *self)
{
	return pwrite(self->other, "there", 5, 2048) == 5;
}

static bool other_stats(FIXTURE_DATA(frozen) *self)
{
	static char text[1 << 16];
	struct stat status;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/maps", self->pid);
	if (fstat(self->segment, &status) ||
	    read_file(path, text, sizeof(text)) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->segment);
	return read_file(path, text, sizeof(text)) > 0;
}

static const struct {
	const char *name;
	bool (*works)(FIXTURE_DATA(frozen) *self);
} others[] = {
	{ "VERSION, INFO, LOOK or MAPPINGS", other_asks },
	{ "LIST", other_lists },
	{ "CREATE, OPEN or REMOVE", other_creates },
	{ "open", other_opens },
	{ "KICK", other_kicks },
	{ "WAIT or WAKE", other_waits },
	{ "JOIN, LEAVE or PEERS", other_joins },
	{ "ISOLATE or CLAIM", other_isolates },
	{ "poll", other_polls },
	{ "mmap, touch or munmap", other_maps },
	{ "read", other_reads },
	{ "write elsewhere", other_writes_elsewhere },
	{ "fstat, maps or fdinfo", other_stats },
};

static void expect_others_work(struct __test_metadata *_metadata,
			       FIXTURE_DATA(frozen) *self)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		pid_t pid = fork_child();

		if (!pid)
			_exit(!others[i].works(self));
		EXPECT_EQ(0, reap_within(pid, 2000))
			TH_LOG("%s", others[i].name);
	}
}

/*
 * The one exception. It is the segment's file that is locked, so whoever else
 * writes to it or changes its mode waits; the others do not.
 */
static void expect_writers_wait(struct __test_metadata *_metadata,
				FIXTURE_DATA(frozen) *self,
				const FIXTURE_VARIANT(frozen) *variant)
{
	bool wait = variant->request == DO_WRITE;
	pid_t writer = fork_child(), changer;

	if (!writer)
		_exit(pwrite(variant->file == THE_PART ? self->other : self->fd,
			     "also", 4, 2048) != 4);
	changer = fork_child();
	/* The mode of the door is the device node's, another file. */
	if (!changer)
		_exit(fchmod(self->segment, 0600));
	EXPECT_EQ(wait ? -1 : 0, reap_within(writer, wait ? 200 : 2000));
	wait = wait && variant->file != THE_DOOR;
	EXPECT_EQ(wait ? -1 : 0, reap_within(changer, wait ? 200 : 2000));
	release(self, variant);
	EXPECT_EQ(0, reap_within(self->pid, 5000));
	if (variant->request == DO_WRITE)
		EXPECT_EQ(0, reap_within(writer, 5000));
	if (wait)
		EXPECT_EQ(0, reap_within(changer, 5000));
}

/* Locking: a caller that is frozen in a page fault holds up nobody */
TEST_F(frozen, holds_up_nobody)
{
	if (self->reason)
		SKIP(return, "%s", self->reason);
	ASSERT_TRUE(is_frozen(self, variant));
	expect_others_work(_metadata, self);
	expect_writers_wait(_metadata, self, variant);
}

/* The pages of the part, each of which one may claim. */
static void expect_all_free(struct __test_metadata *_metadata,
			    FIXTURE_DATA(frozen) *self)
{
	__u64 offset = self->page;
	int i, fds[3];

	for (i = 0; i < 3; i++) {
		fds[i] = claim(self->part, &offset);
		EXPECT_LE(0, fds[i]);
	}
	for (i = 0; i < 3; i++)
		close(fds[i]);
}

/* Locking: ... and can be killed, which leaves nothing */
TEST_F(frozen, ends_within_a_second_of_sigkill)
{
	int elapsed;

	if (self->reason)
		SKIP(return, "%s", self->reason);
	ASSERT_TRUE(is_frozen(self, variant));
	elapsed = kill_and_reap(self->pid);
	EXPECT_LE(0, elapsed);
	EXPECT_GE(1000, elapsed);
	close(self->uffd);
	end_waker(self);
	EXPECT_EQ(self->peers, peers_of(self->fd));
	/* Who joined was made known, and so was who woke others. */
	if (_IOC_NR(variant->request) >= _IOC_NR(SHMDEV_IOC_WAIT))
		self->before.digest = take_state(self->door).digest;
	expect_unchanged_soon(_metadata, self->door, &self->before);
	self->uffd = -1;
	self->pid = getpid();
	expect_others_work(_metadata, self);
	expect_all_free(_metadata, self);
}

/*
 * Every command takes its argument from a page of its own segment, and puts its
 * answer there, that is mapped but was never touched
 */
TEST(arguments_may_lie_in_the_segment_itself)
{
	int door = open_door();
	int segment = create(door, NULL, 2 * page_bytes(), 0600, 0, "hello");
	const int fds[] = { door, segment };
	const unsigned int requests[] = {
		SHMDEV_IOC_VERSION, SHMDEV_IOC_LIST, SHMDEV_IOC_INFO,
		SHMDEV_IOC_MAPPINGS, SHMDEV_IOC_KICK, SHMDEV_IOC_LOOK,
		SHMDEV_IOC_WAKE, SHMDEV_IOC_JOIN, SHMDEV_IOC_PEERS,
		SHMDEV_IOC_LEAVE,
	};
	const size_t at = page_bytes() - 512;
	char saved[512];
	size_t i;

	ASSERT_LE(0, segment);
	ASSERT_EQ(sizeof(saved), pread(door, saved, sizeof(saved), at));
	for (i = 0; i < 2 * ARRAY_SIZE(requests); i++) {
		unsigned int request = requests[i / 2];
		int fd = fds[i % 2];
		char arg[512] = "";
		char *view;

		if (fd == segment && request == SHMDEV_IOC_LIST)
			continue;
		view = map(fd, page_bytes(), PROT_READ | PROT_WRITE);
		ASSERT_NE(MAP_FAILED, view);
		fill(arg, request, "", view + at + 256);
		ASSERT_EQ(sizeof(arg), pwrite(fd, arg, sizeof(arg), at));
		EXPECT_EQ(0, ioctl(fd, request, view + at))
			TH_LOG("command %zu: %s", i, strerror(errno));
		munmap(view, page_bytes());
	}
	EXPECT_EQ(sizeof(saved), pwrite(door, saved, sizeof(saved), at));
	close(segment);
	close(door);
}

TEST_HARNESS_MAIN

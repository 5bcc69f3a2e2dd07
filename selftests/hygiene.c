// SPDX-License-Identifier: GPL-2.0
/*
 * What comes out of the kernel says what it should and nothing else: no byte
 * that nobody wrote, no address of the kernel, no byte of somebody else's
 * memory.
 */
#include "module.h"
#include "storm.h"

#define ROOM	4096
#define PROBE	"shmdev_probe"

static __u64 eight_bytes(const unsigned char *at)
{
	__u64 value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Where the kernel's half of the addresses begins, on 64-bit machines. */
static bool is_kernel_address(__u64 value)
{
	return value >= 0xffff000000000000ULL && value != ~0ULL;
}

/* Printed, it is sixteen digits. */
static const char *printed_address(const char *text)
{
	for (text = strstr(text, "ffff"); text; text = strstr(text + 1, "ffff"))
		if (strspn(text, "0123456789abcdef") == 16 &&
		    is_kernel_address(strtoull(text, NULL, 16)))
			return text;
	return NULL;
}

/* What kernels that look for such mistakes fill memory with. */
static bool is_poison(const unsigned char *at)
{
	static const unsigned char poisons[] = { 0xfe, 0x6b, 0x5a, 0xaa, 0xcc };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(poisons); i++)
		if (all_bytes(at, poisons[i], 4))
			return true;
	return false;
}

static void expect_clean(struct __test_metadata *_metadata, const char *what,
			 const void *bytes, size_t count)
{
	const unsigned char *byte = bytes;
	size_t i;

	/* Nothing is written at odd places. */
	for (i = 0; i + 4 <= count; i += 4) {
		EXPECT_FALSE(is_poison(byte + i))
			TH_LOG("%s: poison at byte %zu", what, i);
		if (i + 8 > count)
			continue;
		EXPECT_FALSE(is_kernel_address(eight_bytes(byte + i)))
			TH_LOG("%s: %016llx at byte %zu", what,
			       (unsigned long long)eight_bytes(byte + i), i);
	}
}

/* A text in an array: whatever is behind its end is zero. */
#define EXPECT_TEXT(array)						\
	EXPECT_TRUE(all_bytes((array) + strnlen(array, sizeof(array)), 0, \
			      sizeof(array) - strnlen(array, sizeof(array))))

/*
 * Leaves bytes of ours where the kernel's stack will be used next, so that what
 * is not written there shows them. poll() keeps its first files on the stack.
 */
static void soil_the_stack(void)
{
	struct pollfd files[30];

	memset(files, 0x5a, sizeof(files));
	poll(files, ARRAY_SIZE(files), 0);
}

/* The commands that answer. */
static const unsigned int answers[] = {
	SHMDEV_IOC_VERSION, SHMDEV_IOC_LIST, SHMDEV_IOC_INFO,
	SHMDEV_IOC_MAPPINGS, SHMDEV_IOC_LOOK, SHMDEV_IOC_JOIN,
	SHMDEV_IOC_PEERS,
};

static struct shmdev_info infos[8];
static struct shmdev_mapping maps[8];
static struct shmdev_peer records[8];

/*
 * A call as a program of the future makes it: @size bytes of argument at @arg
 * and @grown more bytes in each entry. What is only written is full of @fill.
 */
static int ask(int fd, unsigned int request, char *arg, __u32 size,
	       char *entries, __u32 grown, int fill)
{
	struct shmdev_list *list = (void *)arg;
	struct shmdev_mappings *mappings = (void *)arg;
	struct shmdev_version *version = (void *)arg;
	struct shmdev_info *info = (void *)arg;
	struct shmdev_join *join = (void *)arg;
	struct shmdev_peers *peers = (void *)arg;

	memset(arg, 0, size);
	memset(entries, fill, ROOM);
	switch (request) {
	case SHMDEV_IOC_VERSION:
		memset(version, fill, sizeof(*version));
		break;
	case SHMDEV_IOC_INFO:
		memset(info, fill, sizeof(*info));
		break;
	case SHMDEV_IOC_LIST:
		list->entries = (uintptr_t)entries;
		list->count = 4;
		list->entry_size = sizeof(infos[0]) + grown;
		break;
	case SHMDEV_IOC_MAPPINGS:
		mappings->entries = (uintptr_t)entries;
		mappings->count = 4;
		mappings->entry_size = sizeof(maps[0]) + grown;
		mappings->total = (__u8)fill * 0x01010101U;
		break;
	case SHMDEV_IOC_LOOK:
		memset(arg, fill, sizeof(struct shmdev_look));
		break;
	case SHMDEV_IOC_JOIN:
		memset(&join->id, fill, sizeof(join->id));
		break;
	case SHMDEV_IOC_PEERS:
		peers->entries = (uintptr_t)entries;
		peers->count = 4;
		peers->entry_size = sizeof(records[0]) + grown;
		memset(&peers->total, fill, sizeof(peers->total));
		memset(&peers->alive, fill, sizeof(peers->alive));
		break;
	}
	memcpy(arg, (__u32[]){ size, 0 }, 2 * sizeof(__u32));
	soil_the_stack();
	return ioctl(fd, request, arg);
}

FIXTURE(hygiene) {
	int door;
	int segment;
	char *view;
	char name[SHMDEV_NAME_SIZE];
};

FIXTURE_SETUP(hygiene)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
	make_name(self->name, "clean");
	self->segment = create(self->door, self->name, page_bytes(), 0600,
			       SHMDEV_CREATE_F_KEEP, "hello");
	ASSERT_LE(0, self->segment);
	self->view = map(self->segment, page_bytes(), PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->view);
}

FIXTURE_TEARDOWN(hygiene)
{
	remove_named(self->door, self->name);
	munmap(self->view, page_bytes());
	close(self->segment);
	close(self->door);
}

/*
 * "structs": a struct that comes back is wholly written; what neither side
 * knows is zero; what is not of the struct is left alone
 */
TEST_F(hygiene, answers_are_wholly_the_drivers)
{
	static char area[2][ROOM], entries[2][ROOM];
	const int fds[] = { self->door, self->segment };
	const __u32 growths[] = { 0, 8, 72 };
	size_t i, j, k;

	for (i = 0; i < 2 * ARRAY_SIZE(answers) * ARRAY_SIZE(growths); i++) {
		unsigned int request = answers[i / 2 % ARRAY_SIZE(answers)];
		__u32 grown = growths[i / 2 / ARRAY_SIZE(answers)];
		__u32 size = _IOC_SIZE(request) + grown;
		int fd = fds[i % 2];
		size_t entry = 0;

		if (fd == self->segment && request == SHMDEV_IOC_LIST)
			continue;
		for (j = 0; j < 2; j++) {
			memset(area[j], 0x77, ROOM);
			ASSERT_EQ(0, ask(fd, request, area[j] + 512, size,
					 entries[j], grown, j ? 0xff : 0));
			EXPECT_TRUE(all_bytes(area[j], 0x77, 512));
			EXPECT_TRUE(all_bytes(area[j] + 512 + size, 0x77,
					      ROOM - 512 - size));
			if (request == SHMDEV_IOC_JOIN)
				ASSERT_EQ(0, leave(fd));
		}
		expect_clean(_metadata, "argument", area[0] + 512, size);
		EXPECT_TRUE(all_bytes(area[0] + 512 + size - grown, 0, grown));
		if (request == SHMDEV_IOC_LIST) {
			struct shmdev_list *list = (void *)(area[0] + 512);

			entry = sizeof(infos[0]) + grown;
			ASSERT_LE(2, list->count);
			k = list->count;
			ASSERT_EQ((uintptr_t)entries[0], list->entries);
			list->entries = (uintptr_t)entries[1];
		} else if (request == SHMDEV_IOC_MAPPINGS) {
			struct shmdev_mappings *arg = (void *)(area[0] + 512);

			entry = sizeof(maps[0]) + grown;
			k = arg->count;
			ASSERT_EQ((uintptr_t)entries[0], arg->entries);
			arg->entries = (uintptr_t)entries[1];
		} else if (request == SHMDEV_IOC_PEERS) {
			struct shmdev_peers *arg = (void *)(area[0] + 512);

			entry = sizeof(records[0]) + grown;
			k = arg->count;
			/* The endpoint, and this one as it joined before. */
			ASSERT_LE(2, k);
			ASSERT_EQ((uintptr_t)entries[0], arg->entries);
			arg->entries = (uintptr_t)entries[1];
		} else {
			k = 0;
		}
		/* No number is used twice. */
		if (request == SHMDEV_IOC_JOIN)
			((struct shmdev_join *)(area[0] + 512))->id++;
		EXPECT_EQ(0, memcmp(area[0], area[1], ROOM))
			TH_LOG("command %zu", i);
		EXPECT_EQ(0, memcmp(entries[0], entries[1], k * entry));
		EXPECT_TRUE(all_bytes(entries[1] + k * entry, 0xff,
				      ROOM - k * entry));
		expect_clean(_metadata, "entries", entries[0], k * entry);
		for (; k; k--)
			EXPECT_TRUE(all_bytes(entries[0] + k * entry - grown, 0,
					      grown));
	}
}

/* @name, @endpoint, @comm, @release: nothing is behind the end of a text */
TEST_F(hygiene, texts_end_in_zeroes)
{
	struct shmdev_version about = { .size = sizeof(about) };
	struct shmdev_info one;
	int count;

	soil_the_stack();
	ASSERT_EQ(0, ioctl(self->door, SHMDEV_IOC_VERSION, &about));
	EXPECT_TEXT(about.release);
	soil_the_stack();
	ASSERT_EQ(0, info(self->segment, &one));
	EXPECT_TEXT(one.name);
	EXPECT_TEXT(one.endpoint);
	soil_the_stack();
	for (count = list(self->door, 0, 0, infos, ARRAY_SIZE(infos)); count--;) {
		EXPECT_TEXT(infos[count].name);
		EXPECT_TEXT(infos[count].endpoint);
	}
	ASSERT_EQ(0, prctl(PR_SET_NAME, "a longer name!"));
	ASSERT_EQ(0, prctl(PR_SET_NAME, "short"));
	soil_the_stack();
	ASSERT_EQ(1, mappings(self->segment, maps, ARRAY_SIZE(maps), NULL));
	EXPECT_STREQ("short", maps[0].comm);
	EXPECT_TEXT(maps[0].comm);
}

/* Joins as each of these, one after the other, and does not leave as the last. */
static void live_and_die(int fd, const char *const *roles, int sig)
{
	struct shmdev_join arg = { .size = sizeof(arg) };

	for (; *roles; roles++) {
		leave(fd);
		/* What is behind its end is none of the role. */
		memset(arg.role, 0x5a, sizeof(arg.role));
		strcpy(arg.role, *roles);
		CHILD_CHECK(!prctl(PR_SET_NAME, "a longer name!"));
		CHILD_CHECK(!prctl(PR_SET_NAME, **roles ? *roles : "?"));
		soil_the_stack();
		CHILD_CHECK(!ioctl(fd, SHMDEV_IOC_JOIN, &arg));
	}
	if (sig)
		raise(sig);
	_exit(7);
}

/* PEERS @role, @comm, @reserved: of the living, of the dead, of the kernel */
TEST_F(hygiene, records_of_peers_are_wholly_written)
{
	static const char *const roles[] = {
		"fifteen bytes..", "", "x", NULL
	};
	static struct shmdev_peer found[16];
	const int ends[] = { 0, SIGKILL, SIGTERM };
	int count;
	size_t i;

	ASSERT_EQ(0, join(self->segment, "survivor", NULL));
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		pid_t pid = fork_child();

		if (!pid)
			live_and_die(self->segment, roles, ends[i]);
		EXPECT_EQ(ends[i] ? 128 + ends[i] : 7, reap(pid));
	}
	memset(found, 0x77, sizeof(found));
	soil_the_stack();
	count = peers(self->segment, 0, found, ARRAY_SIZE(found), NULL, NULL);
	ASSERT_EQ(2 + 3 * ARRAY_SIZE(ends), count);
	expect_clean(_metadata, "records", found, count * sizeof(found[0]));
	EXPECT_TRUE(all_bytes(found + count, 0x77,
			      sizeof(found) - count * sizeof(found[0])));
	for (i = 0; i < count; i++) {
		EXPECT_TEXT(found[i].role);
		EXPECT_TEXT(found[i].comm);
		EXPECT_EQ(0, found[i].reserved);
		/* Who has no pid here has no name either. */
		EXPECT_EQ(!found[i].pid, !*found[i].comm);
		if (i >= 2)
			EXPECT_STREQ(roles[(i - 2) % 3], found[i].role);
	}
	EXPECT_STREQ("endpoint", found[0].role);
	EXPECT_EQ(0, found[0].pid);
}

static void do_nothing(int sig)
{
}

/* WAIT: a struct that a signal sends back is wholly the driver's, too */
TEST_F(hygiene, interrupted_wait_says_nothing_new_but_the_time)
{
	static char area[ROOM], before[ROOM];
	struct shmdev_wait *arg = (void *)(area + 512);
	const struct shmdev_wait *sent = (void *)(before + 512);
	struct sigaction action = { .sa_handler = do_nothing };
	struct sigevent event = { .sigev_signo = SIGALRM };
	struct itimerspec soon = {
		.it_value.tv_nsec = 50 * NSEC_PER_MSEC,
		.it_interval.tv_nsec = 50 * NSEC_PER_MSEC,
	}, never = { 0 };
	timer_t timer;

	memset(area, 0x77, ROOM);
	*arg = (struct shmdev_wait){
		.size = sizeof(*arg) + 72,
		.offset = page_bytes() - 4,
		.timeout = 10 * NSEC_PER_SEC,
	};
	memset(arg + 1, 0, 72);
	memcpy(before, area, ROOM);
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
	ASSERT_EQ(0, timer_settime(timer, 0, &soon, NULL));
	soil_the_stack();
	EXPECT_ERRNO(EINTR, ioctl(self->segment, SHMDEV_IOC_WAIT, arg));
	ASSERT_EQ(0, timer_settime(timer, 0, &never, NULL));
	EXPECT_GT(sent->timeout, arg->timeout);
	EXPECT_LT(0, arg->timeout);
	arg->timeout = sent->timeout;
	EXPECT_EQ(0, memcmp(before, area, ROOM));
	ASSERT_EQ(0, timer_delete(timer));
}

/* "errors": a call that fails writes nothing */
TEST_F(hygiene, failed_calls_write_nothing)
{
	static char area[ROOM], before[ROOM], entries[ROOM];
	const unsigned int all[] = {
		SHMDEV_IOC_VERSION, SHMDEV_IOC_CREATE, SHMDEV_IOC_OPEN,
		SHMDEV_IOC_REMOVE, SHMDEV_IOC_LIST, SHMDEV_IOC_INFO,
		SHMDEV_IOC_MAPPINGS, SHMDEV_IOC_KICK, SHMDEV_IOC_LOOK,
		SHMDEV_IOC_WAIT, SHMDEV_IOC_WAKE, SHMDEV_IOC_JOIN,
		SHMDEV_IOC_LEAVE, SHMDEV_IOC_PEERS, SHMDEV_IOC_ISOLATE,
		SHMDEV_IOC_CLAIM,
	};
	static const struct {
		unsigned int request;
		__u32 entry_size;
		int entries;	/* which of its words that is */
	} arrays[] = {
		{ SHMDEV_IOC_LIST, sizeof(infos[0]), 2 },
		{ SHMDEV_IOC_MAPPINGS, sizeof(maps[0]), 1 },
		{ SHMDEV_IOC_PEERS, sizeof(records[0]), 2 },
	};
	size_t i, j;

	for (i = 0; i < 2 * ARRAY_SIZE(all); i++) {
		unsigned int request = all[i / 2];
		__u32 size = _IOC_SIZE(request);
		const __u32 heads[][2] = {
			{ 0, 0 }, { size - 1, 0 }, { ROOM + 1, 0 },
			{ size + 8, 0 }, { size, 1U << 31 }, { size, ~0U },
			{ size, 0 },
		};
		int fd = i % 2 ? self->segment : self->door;

		for (j = 0; j < ARRAY_SIZE(heads); j++) {
			memset(area, 0xa7, ROOM);
			memset(entries, 0xa7, ROOM);
			memcpy(area + 512, heads[j], sizeof(heads[j]));
			memcpy(before, area, ROOM);
			if (ioctl(fd, request, area + 512) >= 0) {
				/* Only what has no more than its head is fine. */
				EXPECT_EQ(ARRAY_SIZE(heads) - 1, j);
				EXPECT_TRUE(request == SHMDEV_IOC_VERSION ||
					    request == SHMDEV_IOC_INFO ||
					    request == SHMDEV_IOC_LOOK);
				continue;
			}
			EXPECT_EQ(0, memcmp(before, area, ROOM))
				TH_LOG("command %zu, head %zu", i, j);
		}
	}

	/* One that fails late, when there is something to answer. */
	for (i = 0; i < ARRAY_SIZE(arrays); i++) {
		__u64 *word = (void *)area;

		memset(area, 0, ROOM);
		area[0] = _IOC_SIZE(arrays[i].request);
		/* @entries leads nowhere, @count and @entry_size are right. */
		word[arrays[i].entries] = 8;
		word[arrays[i].entries + 1] =
			4 | (__u64)arrays[i].entry_size << 32;
		memcpy(before, area, ROOM);
		/* The default segment is not mapped, so has nothing to tell. */
		EXPECT_ERRNO(EFAULT,
			     ioctl(arrays[i].request == SHMDEV_IOC_LIST ?
				   self->door : self->segment,
				   arrays[i].request, area));
		EXPECT_EQ(0, memcmp(before, area, ROOM));
	}
}

/* WAIT: one that was not woken is told by its error alone */
TEST_F(hygiene, wait_in_vain_writes_nothing)
{
	struct shmdev_wait arg = {
		.size = sizeof(arg),
		.offset = page_bytes() - 4,
		.expected = 1,
		.timeout = NSEC_PER_MSEC,
	}, before = arg;

	EXPECT_ERRNO(EAGAIN, ioctl(self->segment, SHMDEV_IOC_WAIT, &arg));
	EXPECT_EQ(0, memcmp(&before, &arg, sizeof(arg)));
	arg.expected = 0;
	before.expected = 0;
	EXPECT_ERRNO(ETIMEDOUT, ioctl(self->segment, SHMDEV_IOC_WAIT, &arg));
	EXPECT_EQ(0, memcmp(&before, &arg, sizeof(arg)));
}

static void expect_no_address(struct __test_metadata *_metadata,
			      const char *what, const char *text)
{
	const char *address = printed_address(text);

	EXPECT_EQ(NULL, address) TH_LOG("%s: %.40s", what, address);
}

static void expect_no_address_in_file(struct __test_metadata *_metadata,
				      const char *path, const char *only)
{
	static char text[1 << 18];
	char *line, *rest;

	ASSERT_LE(0, read_file(path, text, sizeof(text)))
		TH_LOG("%s: %s", path, strerror(errno));
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		if (!only || strstr(line, only))
			expect_no_address(_metadata, path, line);
}

/* fdinfo, maps, parameters, attributes: no address of the kernel is printed */
TEST_F(hygiene, texts_contain_no_kernel_address)
{
	static const char *const directories[] = {
		"/sys/module/shmdev/parameters", "/sys/class/misc/shmdev",
	};
	char path[400];
	int fds[] = { self->door, self->segment };
	size_t i;

	/* Proves that one would be seen. */
	EXPECT_NE(NULL, printed_address("at ffff888003a0c000."));
	EXPECT_EQ(NULL, printed_address("-1 is ffffffffffffffff"));
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fds[i]);
		expect_no_address_in_file(_metadata, path, NULL);
	}
	expect_no_address_in_file(_metadata, "/proc/self/maps", "shmdev");
	expect_no_address_in_file(_metadata, "/proc/self/smaps", "shmdev");
	for (i = 0; i < ARRAY_SIZE(directories); i++) {
		DIR *dir = opendir(directories[i]);
		struct dirent *entry;

		ASSERT_NE(NULL, dir);
		while ((entry = readdir(dir))) {
			struct stat status;

			snprintf(path, sizeof(path), "%s/%s", directories[i],
				 entry->d_name);
			if (!stat(path, &status) && S_ISREG(status.st_mode))
				expect_no_address_in_file(_metadata, path,
							  NULL);
		}
		closedir(dir);
	}
}

/* The log: what the driver says there has no address of the kernel */
TEST_F(hygiene, log_contains_no_kernel_address)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[8192];
	ssize_t length;

	ASSERT_LE(0, log);
	for (;;) {
		length = read(log, record, sizeof(record) - 1);
		if (length < 0 && errno == EPIPE)
			continue;
		if (length < 0)
			break;
		record[length] = '\0';
		if (strstr(record, "shmdev"))
			expect_no_address(_metadata, "log", record);
	}
	EXPECT_EQ(EAGAIN, errno);
	close(log);
}

/* hello: what it leaves in the segment is the texts and the numbers */
TEST_F(hygiene, endpoint_leaves_nothing_else)
{
	expect_clean(_metadata, "fresh", self->view, page_bytes());
	EXPECT_EQ(0, kick(self->segment));
	expect_clean(_metadata, "answered", self->view, page_bytes());
}

/* The memory that the machine has left. */
static size_t free_bytes(void)
{
	char text[2048], *line;

	if (read_file("/proc/meminfo", text, sizeof(text)) < 0)
		return 0;
	line = strstr(text, "MemAvailable:");
	return line ? strtoull(line + 13, NULL, 10) << 10 : 0;
}

/* Nearly all of it is used for a moment, and left full of bytes. */
static void soil_memory(struct __test_metadata *_metadata)
{
	const size_t block = 16 * MIB;
	size_t blocks = free_bytes() / 10 * 7 / block;
	char **soiled = calloc(blocks, sizeof(*soiled));
	size_t i;

	ASSERT_LT(0, blocks);
	if (!soiled) {
		ASSERT_NE(NULL, soiled);
		return;
	}
	for (i = 0; i < blocks; i++) {
		soiled[i] = mmap(NULL, block, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (soiled[i] != MAP_FAILED)
			memset(soiled[i], 0xa5, block);
	}
	while (i--)
		munmap(soiled[i], block);
	free(soiled);
}

static void expect_zero(struct __test_metadata *_metadata, int door,
			const char *name, size_t bytes, __u32 flags,
			const char *endpoint)
{
	static char block[1 << 16];
	int fd = create(door, name, bytes, 0600, flags, endpoint);
	size_t at;
	char *view;

	ASSERT_LE(0, fd) TH_LOG("%zu bytes: %s", bytes, strerror(errno));
	if (endpoint)
		EXPECT_EQ(0, kick(fd)) TH_LOG("the kernel sees bytes");
	for (at = 0; at < bytes; at += sizeof(block)) {
		ssize_t done = pread(fd, block, sizeof(block), at);

		ASSERT_LT(0, done);
		EXPECT_TRUE(all_bytes(block, 0, done));
	}
	view = map(fd, bytes, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, view);
	EXPECT_TRUE(all_bytes(view, 0, bytes));
	memset(view, 0xa5, bytes);
	munmap(view, bytes);
	if (flags & SHMDEV_CREATE_F_KEEP)
		EXPECT_EQ(0, remove_named(door, name));
	close(fd);
}

/*
 * CREATE: the memory reads as zero, by read(), in a mapping and in the kernel,
 * whatever it was before
 */
TEST_F_TIMEOUT(hygiene, new_memory_is_zero_in_every_view, STORM_TIMEOUT)
{
	const size_t sizes[] = {
		page_bytes(), 3 * page_bytes(), 2 * MIB, 2 * MIB + page_bytes(),
		4 * MIB - page_bytes(),
	};
	bool probe = module_is_there(PROBE);
	unsigned int round, rounds = 2 * soak_factor();
	char name[SHMDEV_NAME_SIZE];
	size_t i;

	make_name(name, "zero");
	if (probe) {
		unload_module(PROBE);
		ASSERT_EQ(0, load_module(PROBE, ""));
	} else {
		TH_LOG("no " PROBE ".ko: the kernel's view is not looked at");
	}
	for (round = 0; round < rounds; round++) {
		if (round % 16 == 0)
			soil_memory(_metadata);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			expect_zero(_metadata, self->door, name, sizes[i],
				    SHMDEV_CREATE_F_KEEP, NULL);
			expect_zero(_metadata, self->door, name, sizes[i],
				    SHMDEV_CREATE_F_LAZY, NULL);
			if (probe)
				expect_zero(_metadata, self->door, name,
					    sizes[i], 0, "probe");
		}
	}
	if (probe)
		EXPECT_EQ(0, unload_module(PROBE));
}

TEST_HARNESS_MAIN

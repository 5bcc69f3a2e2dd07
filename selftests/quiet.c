// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's log: users' mistakes leave nothing in it. Run last, this
 * program also looks back at what all the others did.
 */
#include "shmdev_test.h"

/*
 * Loading a module from outside the kernel's tree is worth a line to it, and so
 * is a parameter that the module refuses.
 */
static bool is_about_loading(const char *record)
{
	return strstr(record, "taints kernel") ||
	       strstr(record, "tainting kernel") ||
	       strstr(record, "invalid for parameter");
}

/*
 * Reads on from where @log stands: how many records are the driver's, and, if
 * asked, whether one has @mark.
 */
static int count_records(struct __test_metadata *_metadata, int log,
			 const char *mark, bool *marked)
{
	char record[8192], *text;
	ssize_t length;
	int count = 0;

	for (;;) {
		length = read(log, record, sizeof(record) - 1);
		if (length < 0 && errno == EPIPE)
			continue;	/* overwritten meanwhile: the next one */
		if (length < 0)
			break;
		record[length] = '\0';
		text = strchr(record, ';');
		if (mark && strstr(record, mark)) {
			*marked = true;
			continue;
		}
		if (!text || !strstr(text, "shmdev") || is_about_loading(text))
			continue;
		count++;
		TH_LOG("logged: %s", text + 1);
	}
	EXPECT_EQ(EAGAIN, errno);
	return count;
}

static int open_log(void)
{
	return open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

/* A few thousand calls that make no sense, the same ones in every run. */
static void make_mistakes(int door, int segment)
{
	static __u32 arg[1024];
	unsigned int seed = 20261121, round, i;
	const int fds[] = { door, segment };
	void *const nowhere[] = {
		NULL, (void *)1, (void *)-8L, (void *)(LONG_MIN | 8),
	};

	for (round = 0; round < 4000; round++) {
		unsigned int nr = rand_r(&seed) % 16;
		unsigned int request = _IOC(rand_r(&seed) % 4,
					    SHMDEV_IOC_MAGIC, nr,
					    rand_r(&seed) % 256);
		int fd = fds[rand_r(&seed) % 2], ret;
		void *at = rand_r(&seed) % 8 || nr == _IOC_NR(SHMDEV_IOC_KICK) ?
			   arg : nowhere[round % 4];

		for (i = 0; i < 64; i++)
			arg[i] = rand_r(&seed) % 2 ? 0 : rand_r(&seed);
		/* A size that is right gets further. */
		if (rand_r(&seed) % 4)
			arg[0] = (__u32[]){ 64, 120, 72, 80, 32, 192, 32, 16,
					    16, 32, 24, 32, 8, 40, 16, 16 }[nr];
		/* Those that are none would be events, or would not end. */
		if (nr == _IOC_NR(SHMDEV_IOC_KICK) ||
		    nr == _IOC_NR(SHMDEV_IOC_WAIT) ||
		    nr == _IOC_NR(SHMDEV_IOC_WAKE) ||
		    nr == _IOC_NR(SHMDEV_IOC_JOIN))
			arg[1] = ~0U;
		ret = ioctl(fd, request, at);
		if (ret > 0)
			close(ret);
	}
	mmap(NULL, 1UL << 30, PROT_READ, MAP_SHARED, segment, 0);
	mmap(NULL, page_bytes(), PROT_READ | PROT_EXEC, MAP_SHARED, door, 0);
	if (ftruncate(segment, 0))
		fallocate(segment, FALLOC_FL_PUNCH_HOLE, 0, 1);
	fcntl(segment, F_ADD_SEALS, F_SEAL_WRITE);
}

/* "silent in normal use": a user's mistake is an errno, never a line */
TEST(mistakes_are_not_logged)
{
	int log = open_log(), door = open_door(), segment;
	struct state before;
	bool marked = false;
	char mark[64];
	int length;

	ASSERT_LE(0, log);
	ASSERT_LE(0, door);
	segment = create(door, NULL, page_bytes(), 0600, 0, "hello");
	ASSERT_LE(0, segment);
	ASSERT_LE(0, lseek(log, 0, SEEK_END));
	before = take_state(door);
	make_mistakes(door, segment);
	expect_unchanged(_metadata, door, &before);

	/* Proves that what is logged would be seen. */
	length = snprintf(mark, sizeof(mark), "selftest-quiet-%d\n", getpid());
	ASSERT_EQ(length, write(log, mark, length));
	mark[length - 1] = '\0';
	EXPECT_EQ(0, count_records(_metadata, log, mark, &marked));
	EXPECT_TRUE(marked);
	close(segment);
	close(door);
	close(log);
}

/* "silent in normal use": since the kernel was started */
TEST(nothing_was_logged_since_the_module_was_loaded)
{
	int log = open_log();

	ASSERT_LE(0, log);
	ASSERT_LE(0, lseek(log, 0, SEEK_SET));
	EXPECT_EQ(0, count_records(_metadata, log, NULL, NULL));
	close(log);
}

TEST_HARNESS_MAIN

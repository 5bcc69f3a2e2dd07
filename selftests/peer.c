// SPDX-License-Identifier: GPL-2.0
/* JOIN, LEAVE, PEERS: who takes part in a segment, and how each ended. */
#include <linux/futex.h>
#include <sched.h>
#include <spawn.h>

#include "module.h"
#include "sleeper.h"

#define SAMPLE		"shmdev_sum"
#define REMEMBERED	64	/* of those that have ended */

FIXTURE(peer) {
	struct target target;
	int fd;
	int other;
	__u64 id;
	void *view;
};

FIXTURE_VARIANT(peer) {
	enum kind kind;
};

FIXTURE_VARIANT_ADD(peer, door) { DOOR };
FIXTURE_VARIANT_ADD(peer, segment) { SEGMENT };

/* The id of a new peer, or 0. */
static __u64 joined(int fd, const char *role)
{
	__u64 id;

	return join(fd, role, &id) ? 0 : id;
}

/* Every test begins as a peer, through a file that it watches by another. */
FIXTURE_SETUP(peer)
{
	ASSERT_EQ(0, target_open(&self->target, variant->kind, page_bytes(),
				 NULL));
	self->fd = self->target.fd;
	self->other = variant->kind == DOOR ? open_door() :
					      reopen(self->fd, O_RDWR);
	ASSERT_LE(0, self->other);
	self->view = map(self->other, page_bytes(), PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->view);
	self->id = joined(self->fd, "tester");
	ASSERT_NE(0, self->id);
	look(self->other);
}

FIXTURE_TEARDOWN(peer)
{
	munmap(self->view, page_bytes());
	close(self->other);
	EXPECT_EQ(0, target_close(&self->target));
}

static struct shmdev_peer peer_of(int fd, __u64 id)
{
	struct shmdev_peer entry = { .state = ~0U };

	if (peers(fd, id, &entry, 1, NULL, NULL) != 1)
		entry.state = ~0U;
	return entry;
}

/* JOIN: a number, never used again in this segment; PEERS: who it is */
TEST_F(peer, is_listed)
{
	struct shmdev_peer entry = peer_of(self->fd, self->id);
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	EXPECT_EQ(self->id, entry.id);
	EXPECT_EQ(getpid(), entry.pid);
	EXPECT_EQ(SHMDEV_PEER_ALIVE, entry.state);
	EXPECT_EQ(0, entry.status);
	EXPECT_EQ(0, entry.ended);
	EXPECT_STREQ("tester", entry.role);
	EXPECT_STREQ("peer", entry.comm);
	EXPECT_GE(time.tv_sec, entry.joined / 1000000000);
	EXPECT_LE(time.tv_sec - 60, entry.joined / 1000000000);
}

/* JOIN: made known to pollers */
TEST_F(peer, that_comes_is_reported)
{
	look(self->fd);
	EXPECT_NE(0, joined(self->other, ""));
	EXPECT_TRUE(readable(self->fd, 0));
}

/* INFO @peers: how many are alive */
TEST_F(peer, is_counted)
{
	__u32 before = peers_of(self->fd);

	EXPECT_NE(0, joined(self->other, ""));
	EXPECT_EQ(before + 1, peers_of(self->fd));
	EXPECT_EQ(0, leave(self->other));
	EXPECT_EQ(before, peers_of(self->fd));
}

/* LEAVE: no longer; to join again is to be another peer */
TEST_F(peer, leaves)
{
	__u64 second;

	EXPECT_EQ(0, leave(self->fd));
	EXPECT_EQ(SHMDEV_PEER_LEFT, peer_of(self->fd, self->id).state);
	EXPECT_LE(peer_of(self->fd, self->id).joined,
		  peer_of(self->fd, self->id).ended);
	EXPECT_TRUE(readable(self->other, 0));
	EXPECT_ERRNO(ESRCH, leave(self->fd));
	second = joined(self->fd, "again");
	EXPECT_LT(self->id, second);
	EXPECT_EQ(SHMDEV_PEER_ALIVE, peer_of(self->fd, second).state);
	EXPECT_EQ(SHMDEV_PEER_LEFT, peer_of(self->fd, self->id).state);
}

/* EALREADY: through this file; a process can be several, through several */
TEST_F(peer, joins_once_through_a_file)
{
	int copy = dup(self->fd);

	EXPECT_EQ(0, joined(self->fd, "more"));
	EXPECT_EQ(EALREADY, errno);
	EXPECT_EQ(0, joined(copy, "more"));
	EXPECT_EQ(EALREADY, errno);
	EXPECT_STREQ("tester", peer_of(self->fd, self->id).role);
	EXPECT_LT(self->id, joined(self->other, "more"));
}

/* JOIN @role: as a segment's name is formed, or empty */
TEST_F(peer, role_is_formed_as_a_name)
{
	struct shmdev_join arg = { .size = sizeof(arg) };

	EXPECT_EQ(0, joined(self->other, "a/b"));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, joined(self->other, "a\nb"));
	EXPECT_EQ(EINVAL, errno);
	memset(arg.role, 'r', sizeof(arg.role));
	EXPECT_ERRNO(ENAMETOOLONG, ioctl(self->other, SHMDEV_IOC_JOIN, &arg));
	EXPECT_ERRNO(ESRCH, leave(self->other));
	arg.role[sizeof(arg.role) - 1] = '\0';
	EXPECT_EQ(0, ioctl(self->other, SHMDEV_IOC_JOIN, &arg));
	EXPECT_STREQ(arg.role, peer_of(self->fd, arg.id).role);
}

/* JOIN: who may only read, too */
TEST_F(peer, may_be_a_reader)
{
	int reader = reopen(self->fd, O_RDONLY);

	EXPECT_LT(self->id, joined(reader, "reader"));
	EXPECT_EQ(0, leave(reader));
	close(reader);
}

/* "a call that fails changes nothing": who was not told its number is none */
TEST_F(peer, that_was_not_told_is_none)
{
	struct shmdev_join *arg = mmap(NULL, page_bytes(),
				       PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, arg);
	arg->size = sizeof(*arg);
	ASSERT_EQ(0, mprotect(arg, page_bytes(), PROT_READ));
	EXPECT_ERRNO(EFAULT, ioctl(self->other, SHMDEV_IOC_JOIN, arg));
	EXPECT_ERRNO(ESRCH, leave(self->other));
	munmap(arg, page_bytes());
}

/* PEERS @id, @count, @total */
TEST_F(peer, list_is_cut_and_counted)
{
	struct shmdev_peer entries[8];
	__u32 total = 0, living = 0, before = 0;
	__u64 second;
	int count;

	ASSERT_EQ(0, peers(self->fd, 0, NULL, 0, &before, &living));
	second = joined(self->other, "second");
	EXPECT_EQ(0, peers(self->fd, 0, NULL, 0, &total, NULL));
	EXPECT_EQ(before + 1, total);
	EXPECT_EQ(1, peers(self->fd, 0, entries, 1, &total, NULL));
	EXPECT_EQ(before + 1, total);
	EXPECT_EQ(1, peers(self->fd, second, entries, 8, &total, &living));
	EXPECT_EQ(1, total);
	EXPECT_EQ(1, living);
	EXPECT_EQ(second, entries[0].id);
	EXPECT_EQ(0, leave(self->other));
	EXPECT_EQ(1, peers(self->fd, second, entries, 8, &total, &living));
	EXPECT_EQ(0, living);
	EXPECT_ERRNO(ESRCH, peers(self->fd, second + 1, entries, 8, NULL,
				  NULL));
	EXPECT_ERRNO(ESRCH, peers(self->fd, ~0ULL, entries, 8, NULL, NULL));
	/* What the array has room for is the caller's business. */
	EXPECT_EQ(1, peers(self->fd, second, entries, ~0U, NULL, NULL));
	count = peers(self->fd, 0, entries, 8, NULL, &living);
	ASSERT_LT(0, count);
	EXPECT_EQ(SHMDEV_PEER_ALIVE, entries[living - 1].state);
}

/* PEERS: the living first, then those that ended, in the order in which */
TEST_F(peer, list_is_in_order)
{
	int files[3], i, count;
	static struct shmdev_peer entries[REMEMBERED + 100];
	__u64 ids[3];
	__u32 living = 0;

	for (i = 0; i < 3; i++) {
		files[i] = reopen(self->other, O_RDWR);
		ids[i] = joined(files[i], "");
	}
	leave(files[1]);
	leave(files[0]);
	count = peers(self->fd, 0, entries, ARRAY_SIZE(entries), NULL, &living);
	ASSERT_LT(living + 1, count);
	EXPECT_EQ(ids[2], entries[living - 1].id);
	EXPECT_EQ(self->id, entries[living - 2].id);
	EXPECT_EQ(ids[0], entries[count - 1].id);
	EXPECT_EQ(ids[1], entries[count - 2].id);
	for (i = 0; i < 3; i++)
		close(files[i]);
}

/* PEERS: of those that ended the last 64 are known */
TEST_F(peer, last_ones_are_remembered)
{
	static struct shmdev_peer entries[REMEMBERED + 100];
	__u64 first = 0, last = 0;
	__u32 living = 0;
	int i, count;

	for (i = 0; i < REMEMBERED + 10; i++) {
		last = joined(self->other, "");
		first = first ?: last;
		ASSERT_EQ(0, leave(self->other));
	}
	count = peers(self->fd, 0, entries, ARRAY_SIZE(entries), NULL, &living);
	EXPECT_EQ(REMEMBERED, count - living);
	EXPECT_EQ(last, entries[count - 1].id);
	EXPECT_EQ(first + 10, entries[living].id);
	EXPECT_ERRNO(ESRCH, peers(self->fd, first + 9, entries, 1, NULL, NULL));
}

/* JOIN: closes a descriptor of its own, any duplicate */
TEST_F(peer, ends_when_it_closes)
{
	int copy = dup(self->fd);

	close(copy);
	EXPECT_EQ(SHMDEV_PEER_CLOSED, peer_of(self->other, self->id).state);
	EXPECT_TRUE(readable(self->other, 0));
	EXPECT_ERRNO(ESRCH, leave(self->fd));
	EXPECT_LT(self->id, joined(self->fd, "again"));
}

/* JOIN: to others that have the same file it means nothing */
TEST_F(peer, childs_close_is_the_childs)
{
	pid_t pid = fork_child();

	if (!pid) {
		CHILD_CHECK(leave(self->fd) && errno == ESRCH);
		CHILD_CHECK(joined(self->fd, "child") > self->id);
		close(self->fd);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(SHMDEV_PEER_ALIVE, peer_of(self->other, self->id).state);
	EXPECT_EQ(SHMDEV_PEER_CLOSED, peer_of(self->other, self->id + 1).state);
}

static void *join_in_a_thread(void *fd)
{
	return (void *)(uintptr_t)joined(*(int *)fd, "thread");
}

/* JOIN: the process is whoever shares a table of descriptors: not a thread */
TEST_F(peer, outlives_its_thread)
{
	pthread_t thread;
	void *id;

	ASSERT_EQ(0, pthread_create(&thread, NULL, join_in_a_thread,
				    &self->other));
	pthread_join(thread, &id);
	EXPECT_LT(self->id, (uintptr_t)id);
	EXPECT_EQ(SHMDEV_PEER_ALIVE,
		  peer_of(self->fd, (uintptr_t)id).state);
	EXPECT_EQ(getpid(), peer_of(self->fd, (uintptr_t)id).pid);
}

static void ends_by_leave(int fd)
{
	leave(fd);
	pause();
}

static void ends_by_close(int fd)
{
	close(fd);
	pause();
}

static void ends_by_dup2(int fd)
{
	dup2(STDERR_FILENO, fd);
	pause();
}

static void ends_by_exit(int fd)
{
	exit(7);
}

static void ends_by_signal(int fd)
{
	kill(getpid(), SIGKILL);
}

static void ends_by_core_dump(int fd)
{
	signal(SIGABRT, SIG_DFL);
	abort();
}

static void ends_by_exec(int fd)
{
	execlp("sleep", "sleep", "100", NULL);
}

/* The new program has the descriptor, and may not even know. */
static void ends_by_exec_that_inherits(int fd)
{
	fcntl(fd, F_SETFD, 0);
	execlp("sleep", "sleep", "100", NULL);
}

static void *kill_all(void *word)
{
	while (!(__atomic_load_n((__u32 *)word, __ATOMIC_ACQUIRE) &
		 FUTEX_OWNER_DIED))
		;
	kill(getpid(), SIGTERM);
	return NULL;
}

#define LOCKS	2000	/* the kernel looks at 2048 */

/*
 * The thread that joined goes first, and not by what the process ends by. It
 * leaves so many robust locks, each on a page of its own, that the others
 * overtake it.
 */
static void ends_by_signal_after_its_first_thread(int fd)
{
	struct robust_list_head head = {
		.futex_offset = LOCKS * page_bytes(),
	};
	char *locks = mmap(NULL, 2 * head.futex_offset, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	__u32 *first = (__u32 *)(locks + head.futex_offset);
	struct robust_list *last = &head.list;
	pthread_t thread;

	CHILD_CHECK(locks != MAP_FAILED);
	for (int i = 0; i < LOCKS; i++) {
		last->next = (struct robust_list *)(locks + i * page_bytes());
		last = last->next;
	}
	last->next = &head.list;
	*first = gettid();
	signal(SIGTERM, SIG_DFL);
	CHILD_CHECK(!pthread_create(&thread, NULL, kill_all, first));
	CHILD_CHECK(!syscall(SYS_set_robust_list, &head, sizeof(head)));
	syscall(SYS_exit, 3);
}

static void *exec_in_a_thread(void *fd)
{
	ends_by_exec_that_inherits(*(int *)fd);
	return NULL;
}

static void ends_by_exec_of_another_thread(int fd)
{
	pthread_t thread;

	pthread_create(&thread, NULL, exec_in_a_thread, &fd);
	pthread_join(thread, NULL);
}

FIXTURE(end) {
	struct target target;
	__u32 *word;
};

FIXTURE_VARIANT(end) {
	enum kind kind;
	void (*ends)(int fd);
	__u32 state;
	__u32 status;
};

FIXTURE_VARIANT_ADD(end, leave) {
	SEGMENT, ends_by_leave, SHMDEV_PEER_LEFT, 0 };
FIXTURE_VARIANT_ADD(end, close) {
	SEGMENT, ends_by_close, SHMDEV_PEER_CLOSED, 0 };
FIXTURE_VARIANT_ADD(end, dup2) {
	SEGMENT, ends_by_dup2, SHMDEV_PEER_CLOSED, 0 };
FIXTURE_VARIANT_ADD(end, exit) {
	SEGMENT, ends_by_exit, SHMDEV_PEER_EXITED, 7 };
FIXTURE_VARIANT_ADD(end, signal) {
	SEGMENT, ends_by_signal, SHMDEV_PEER_KILLED, SIGKILL };
FIXTURE_VARIANT_ADD(end, core_dump) {
	SEGMENT, ends_by_core_dump, SHMDEV_PEER_KILLED, SIGABRT };
FIXTURE_VARIANT_ADD(end, signal_after_its_first_thread) {
	SEGMENT, ends_by_signal_after_its_first_thread, SHMDEV_PEER_KILLED,
	SIGTERM };
FIXTURE_VARIANT_ADD(end, exec) {
	SEGMENT, ends_by_exec, SHMDEV_PEER_REPLACED, 0 };
FIXTURE_VARIANT_ADD(end, exec_that_inherits) {
	SEGMENT, ends_by_exec_that_inherits, SHMDEV_PEER_REPLACED, 0 };
FIXTURE_VARIANT_ADD(end, exec_of_another_thread) {
	SEGMENT, ends_by_exec_of_another_thread, SHMDEV_PEER_REPLACED, 0 };
FIXTURE_VARIANT_ADD(end, door_leave) {
	DOOR, ends_by_leave, SHMDEV_PEER_LEFT, 0 };
FIXTURE_VARIANT_ADD(end, door_close) {
	DOOR, ends_by_close, SHMDEV_PEER_CLOSED, 0 };
FIXTURE_VARIANT_ADD(end, door_signal) {
	DOOR, ends_by_signal, SHMDEV_PEER_KILLED, SIGKILL };
FIXTURE_VARIANT_ADD(end, door_exec) {
	DOOR, ends_by_exec, SHMDEV_PEER_REPLACED, 0 };
FIXTURE_VARIANT_ADD(end, door_exec_that_inherits) {
	DOOR, ends_by_exec_that_inherits, SHMDEV_PEER_REPLACED, 0 };

FIXTURE_SETUP(end)
{
	ASSERT_EQ(0, target_open(&self->target, variant->kind, page_bytes(),
				 NULL));
	self->word = map(self->target.fd, page_bytes(), PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->word);
	*self->word = 0;
}

FIXTURE_TEARDOWN(end)
{
	munmap(self->word, page_bytes());
	EXPECT_EQ(0, target_close(&self->target));
}

/*
 * Joins, has a child that goes on until the test lets go of its leash, and ends
 * when it is told to.
 */
static void peer_with_a_child(int fd, int socket, int leash,
			      void (*ends)(int fd))
{
	__u64 id = joined(fd, "mortal");
	char byte;

	CHILD_CHECK(id);
	if (!fork()) {
		read(leash, &byte, 1);
		_exit(0);
	}
	CHILD_CHECK(write(socket, &id, sizeof(id)) == sizeof(id));
	CHILD_CHECK(read(socket, &byte, 1) == 1);
	ends(fd);
	CHILD_CHECK(!"it did not end");
}

/*
 * JOIN: LEAVE, close, exec and death in whatever way are known at once, though
 * a child has the same file open; they wake who waits, and show in poll and in
 * PEERS
 */
TEST_F(end, is_known_at_once)
{
	struct sleeper sleeper;
	struct shmdev_peer entry;
	int sockets[2], leash[2], turn = 0;
	__u64 id;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, pipe(leash));
	pid = fork_child();
	if (!pid) {
		int fd = variant->kind == DOOR ?
			 open_door() : reopen(self->target.fd, O_RDWR);

		close(sockets[0]);
		close(leash[1]);
		peer_with_a_child(fd, sockets[1], leash[0], variant->ends);
	}
	close(sockets[1]);
	ASSERT_EQ(sizeof(id), read(sockets[0], &id, sizeof(id)));
	ASSERT_TRUE(sleeper_start(&sleeper, self->target.fd, 0, &turn));
	look(self->target.fd);
	EXPECT_EQ(SHMDEV_PEER_ALIVE, peer_of(self->target.fd, id).state);
	EXPECT_FALSE(readable(self->target.fd, 0));

	ASSERT_EQ(1, write(sockets[0], "", 1));
	pthread_join(sleeper.thread, NULL);
	EXPECT_EQ(0, sleeper.waited.error);
	EXPECT_TRUE(readable(self->target.fd, 5000));
	entry = peer_of(self->target.fd, id);
	EXPECT_EQ(variant->state, entry.state);
	EXPECT_EQ(variant->status, entry.status);
	EXPECT_EQ(pid, entry.pid);
	EXPECT_STREQ("mortal", entry.role);
	EXPECT_STREQ("peer", entry.comm);
	EXPECT_NE(0, entry.ended);
	kill(pid, SIGKILL);
	EXPECT_LT(0, reap(pid));
	close(sockets[0]);
	close(leash[0]);
	close(leash[1]);
}

/* What PEERS tells as @ended, and WAIT with F_PEERS for no time then. */
static __u32 ends(int fd)
{
	struct shmdev_peers arg = {
		.size = sizeof(arg),
		.entry_size = sizeof(struct shmdev_peer),
	};

	return ioctl(fd, SHMDEV_IOC_PEERS, &arg) ? ~0U : arg.ended;
}

static int wait_for_peers(int fd, __u32 expected, __u32 ended, __u64 timeout)
{
	struct shmdev_wait arg = {
		.size = sizeof(arg),
		.flags = SHMDEV_WAIT_F_PEERS,
		.offset = page_bytes() - 4,
		.timeout = timeout,
		.expected = expected,
		.ended = ended,
	};

	return ioctl(fd, SHMDEV_IOC_WAIT, &arg) ? errno : 0;
}

/* WAIT, F_PEERS: only while no peer has ended since PEERS */
TEST_F(peer, end_before_a_wait_is_not_missed)
{
	__u32 before = ends(self->other), word;

	ASSERT_EQ(4, pread(self->fd, &word, 4, page_bytes() - 4));
	EXPECT_EQ(ETIMEDOUT, wait_for_peers(self->other, word, before, 0));
	EXPECT_EQ(EAGAIN, wait_for_peers(self->other, word + 1, before, 0));
	EXPECT_EQ(EAGAIN, wait_for_peers(self->other, word, before - 1, 0));
	EXPECT_EQ(0, leave(self->fd));
	EXPECT_EQ(before + 1, ends(self->other));
	EXPECT_EQ(EAGAIN, wait_for_peers(self->other, word, before, 0));
	EXPECT_EQ(EAGAIN, wait_for_peers(self->other, word, before,
					 SHMDEV_WAIT_FOREVER));
	EXPECT_EQ(ETIMEDOUT, wait_for_peers(self->other, word, before + 1, 0));
	EXPECT_NE(0, joined(self->fd, ""));
	EXPECT_EQ(ETIMEDOUT, wait_for_peers(self->other, word, before + 1, 0));
}

/* JOIN: the end of a peer wakes everyone who waits in this segment */
TEST_F(peer, end_wakes_everyone)
{
	static struct sleeper sleepers[24];
	size_t i;
	int turn = 0;

	memset(self->view, 0, page_bytes());
	for (i = 0; i < ARRAY_SIZE(sleepers); i++)
		ASSERT_TRUE(sleeper_start(&sleepers[i], self->other,
					  4 * (i / 2), &turn));
	EXPECT_EQ(0, leave(self->fd));
	for (i = 0; i < ARRAY_SIZE(sleepers); i++) {
		pthread_join(sleepers[i].thread, NULL);
		EXPECT_EQ(0, sleepers[i].waited.error);
	}
}

/* JOIN: executes another program; one that cannot be executed is none */
TEST_F(peer, survives_a_failed_exec)
{
	execl("/no/such/program", "program", NULL);
	execl("/proc/self/maps", "program", NULL);
	EXPECT_EQ(SHMDEV_PEER_ALIVE, peer_of(self->other, self->id).state);
}

/* JOIN: of the process that joined; its children may execute what they like */
TEST_F(peer, survives_what_its_children_execute)
{
	char *const args[] = { "true", NULL }, *const env[] = { NULL };
	pid_t pid;

	fcntl(self->fd, F_SETFD, 0);
	ASSERT_EQ(0, posix_spawnp(&pid, "true", NULL, NULL, args, env));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(SHMDEV_PEER_ALIVE, peer_of(self->other, self->id).state);
}

/* JOIN: whoever is handed the file is another */
TEST_F(peer, is_not_handed_on_with_its_file)
{
	int sockets[2], copy;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, send_fd(sockets[0], self->fd));
	close(self->fd);
	EXPECT_EQ(SHMDEV_PEER_CLOSED, peer_of(self->other, self->id).state);
	copy = receive_fd(sockets[1]);
	ASSERT_LE(0, copy);
	EXPECT_LT(self->id, joined(copy, "heir"));
	EXPECT_EQ(0, leave(copy));
	self->fd = copy;
	self->target.fd = copy;
	close(sockets[0]);
	close(sockets[1]);
}

/* PEERS @pid: in the caller's pid namespace, 0 if not visible there */
TEST_F(peer, pid_is_that_of_the_readers_namespace)
{
	pid_t pid = fork_child();

	if (!pid) {
		CHILD_CHECK(!unshare(CLONE_NEWPID));
		pid = fork();
		if (!pid) {
			struct shmdev_peer entry;
			__u64 mine = joined(self->other, "inner");

			entry = peer_of(self->other, self->id);
			CHILD_CHECK(entry.id == self->id && !entry.pid);
			CHILD_CHECK(!*entry.comm);
			CHILD_CHECK(!strcmp(entry.role, "tester"));
			entry = peer_of(self->other, mine);
			CHILD_CHECK(entry.pid == 1);
			_exit(0);
		}
		_exit(reap(pid));
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_LT(1, peer_of(self->other, self->id + 1).pid);
}

/* PEERS: the endpoint is a peer, until it goes; then all wake up */
TEST(endpoint_is_a_peer)
{
	struct shmdev_peer entries[2];
	struct sleeper sleeper;
	int door = open_door(), fd, turn = 0;
	__u32 total = 0, living = 0;

	if (!module_is_there(SAMPLE))
		SKIP(return, SAMPLE ".ko is not in /lib/modules");
	unload_module(SAMPLE);
	ASSERT_EQ(0, load_module(SAMPLE, ""));
	fd = create(door, NULL, page_bytes(), 0600, 0, "sum");
	ASSERT_LE(0, fd);
	ASSERT_EQ(1, peers(fd, 0, entries, 2, &total, &living));
	EXPECT_EQ(1, total);
	EXPECT_EQ(1, living);
	EXPECT_EQ(1, entries[0].id);
	EXPECT_EQ(0, entries[0].pid);
	EXPECT_STREQ("endpoint", entries[0].role);
	EXPECT_STREQ("", entries[0].comm);
	EXPECT_EQ(1, peers_of(fd));

	ASSERT_TRUE(sleeper_start(&sleeper, fd, 0, &turn));
	ASSERT_EQ(0, unload_module(SAMPLE));
	pthread_join(sleeper.thread, NULL);
	EXPECT_EQ(0, sleeper.waited.error);
	EXPECT_TRUE(readable(fd, 0));
	EXPECT_EQ(SHMDEV_PEER_SHUTDOWN, peer_of(fd, 1).state);
	EXPECT_EQ(0, peers_of(fd));
	close(fd);
	close(door);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/*
 * Who may do what: the mode of a segment against a table computed from the
 * rules of files, and the ways to turn a read-only grant into a write.
 */
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include "shmdev_test.h"

#define OWNER	1001
#define GROUP	2001
#define MEMBER	1002
#define OTHER	1003

/* Where a child puts what the calls returned: 0 or an errno. */
struct result {
	int read, write, both;
	int remove;
	int chmod, chown;
	bool listed;
};

static struct result *results;

static int error_of(int ret)
{
	return ret < 0 ? errno : 0;
}

static int error_of_open(int door, const char *name, int flags)
{
	int fd = open_named(door, name, flags);
	int error = error_of(fd);

	if (fd >= 0)
		close(fd);
	return error;
}

FIXTURE(matrix) {
	int door;
	int segment;
	__u64 id;
	char name[SHMDEV_NAME_SIZE];
};

FIXTURE_VARIANT(matrix) {
	mode_t mode;
};

FIXTURE_VARIANT_ADD(matrix, 0000) { 0000 };
FIXTURE_VARIANT_ADD(matrix, 0400) { 0400 };
FIXTURE_VARIANT_ADD(matrix, 0200) { 0200 };
FIXTURE_VARIANT_ADD(matrix, 0600) { 0600 };
FIXTURE_VARIANT_ADD(matrix, 0640) { 0640 };
FIXTURE_VARIANT_ADD(matrix, 0620) { 0620 };
FIXTURE_VARIANT_ADD(matrix, 0664) { 0664 };
FIXTURE_VARIANT_ADD(matrix, 0606) { 0606 };
FIXTURE_VARIANT_ADD(matrix, 0044) { 0044 };
FIXTURE_VARIANT_ADD(matrix, 0666) { 0666 };

FIXTURE_SETUP(matrix)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
	make_name(self->name, "mode");
	self->segment = create(self->door, self->name, page_bytes(),
			       variant->mode, SHMDEV_CREATE_F_KEEP, NULL);
	ASSERT_LE(0, self->segment);
	ASSERT_EQ(0, fchown(self->segment, OWNER, GROUP));
	self->id = id_of(self->segment);
	results = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, results);
}

FIXTURE_TEARDOWN(matrix)
{
	munmap(results, page_bytes());
	remove_named(self->door, self->name);
	close(self->segment);
	close(self->door);
}

struct user {
	uid_t uid;
	gid_t gid;
	gid_t supplementary;
	int class;	/* whose bits of the mode count */
};

static const struct user users[] = {
	{ OWNER, OWNER, GROUP, 6 },
	{ MEMBER, MEMBER, GROUP, 3 },
	{ MEMBER, GROUP, MEMBER, 3 },
	{ OTHER, OTHER, OTHER, 0 },
};

/* Each user opens, lists, changes and at last removes what root has made. */
TEST_F(matrix, rights_are_those_of_a_file)
{
	struct shmdev_info about;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(users); i++) {
		const struct user *user = &users[i];
		bool owner = user->uid == OWNER;
		int bits = variant->mode >> user->class;
		pid_t pid = fork_child();

		if (!pid) {
			become(user->uid, user->gid, user->supplementary);
			*results = (struct result){
				.read = error_of_open(self->door, self->name,
						      O_RDONLY),
				.write = error_of_open(self->door, self->name,
						       O_WRONLY),
				.both = error_of_open(self->door, self->name,
						      O_RDWR),
				.listed = listed(self->door, 0, self->id,
						 NULL),
				.chmod = error_of(fchmod(self->segment,
							 variant->mode)),
				.chown = error_of(fchown(self->segment, -1,
							 GROUP)),
			};
			_exit(0);
		}
		ASSERT_EQ(0, reap(pid));
		EXPECT_EQ(bits & 4 ? 0 : EACCES, results->read)
			TH_LOG("read by %u:%u", user->uid, user->gid);
		EXPECT_EQ(bits & 2 ? 0 : EACCES, results->write)
			TH_LOG("write by %u:%u", user->uid, user->gid);
		EXPECT_EQ((bits & 6) == 6 ? 0 : EACCES, results->both)
			TH_LOG("both by %u:%u", user->uid, user->gid);
		EXPECT_EQ(owner || (bits & 4), results->listed)
			TH_LOG("list by %u:%u", user->uid, user->gid);
		EXPECT_EQ(owner ? 0 : EPERM, results->chmod)
			TH_LOG("chmod by %u:%u", user->uid, user->gid);
		EXPECT_EQ(owner ? 0 : EPERM, results->chown)
			TH_LOG("chown by %u:%u", user->uid, user->gid);
	}
	ASSERT_EQ(0, info(self->segment, &about));
	EXPECT_EQ(variant->mode, about.mode);
	EXPECT_EQ(OWNER, about.uid);
	EXPECT_EQ(GROUP, about.gid);
}

/* REMOVE: only the owner may, or CAP_FOWNER */
TEST_F(matrix, removing_is_for_the_owner)
{
	size_t i;

	for (i = ARRAY_SIZE(users); i--;) {
		bool owner = users[i].uid == OWNER;
		pid_t pid = fork_child();

		if (!pid) {
			become(users[i].uid, users[i].gid,
			       users[i].supplementary);
			results->remove = error_of(remove_id(self->door,
							     self->id));
			if (results->remove)
				CHILD_CHECK(remove_named(self->door,
							 self->name) == -1 &&
					    errno == results->remove);
			_exit(0);
		}
		ASSERT_EQ(0, reap(pid));
		EXPECT_EQ(owner ? 0 : EPERM, results->remove)
			TH_LOG("%u", users[i].uid);
		EXPECT_EQ(owner ? ENOENT : 0,
			  error_of_open(self->door, self->name, O_RDONLY));
	}
	EXPECT_ERRNO(ENOENT, remove_named(self->door, self->name));
}

/* OPEN: the capabilities that override a file's mode override this one */
TEST_F(matrix, root_is_not_held_up)
{
	EXPECT_EQ(0, error_of_open(self->door, self->name, O_RDONLY));
	EXPECT_EQ(0, error_of_open(self->door, self->name, O_WRONLY));
	EXPECT_EQ(0, error_of_open(self->door, self->name, O_RDWR));
	EXPECT_TRUE(listed(self->door, 0, self->id, NULL));
	EXPECT_EQ(0, remove_named(self->door, self->name));
}

FIXTURE(owner) {
	int door;
	char name[SHMDEV_NAME_SIZE];
};

FIXTURE_SETUP(owner)
{
	self->door = open_door();
	ASSERT_LE(0, self->door);
	make_name(self->name, "owner");
}

FIXTURE_TEARDOWN(owner)
{
	remove_named(self->door, self->name);
	close(self->door);
}

/* CREATE: owned by the caller's filesystem uid and gid */
TEST_F(owner, is_the_creators_filesystem_uid)
{
	struct shmdev_info about;
	pid_t pid;
	int fd;

	pid = fork_child();
	if (!pid) {
		become(OWNER, GROUP, GROUP);
		fd = create_kept(self->door, self->name, page_bytes());
		CHILD_CHECK(fd >= 0);
		_exit(0);
	}
	ASSERT_EQ(0, reap(pid));
	fd = open_named(self->door, self->name, O_RDONLY);
	ASSERT_EQ(0, info(fd, &about));
	EXPECT_EQ(OWNER, about.uid);
	EXPECT_EQ(GROUP, about.gid);
	close(fd);
	ASSERT_EQ(0, remove_named(self->door, self->name));

	pid = fork_child();
	if (!pid) {
		syscall(SYS_setfsgid, MEMBER);
		syscall(SYS_setfsuid, MEMBER);
		fd = create_kept(self->door, self->name, page_bytes());
		CHILD_CHECK(fd >= 0);
		_exit(0);
	}
	ASSERT_EQ(0, reap(pid));
	fd = open_named(self->door, self->name, O_RDONLY);
	ASSERT_EQ(0, info(fd, &about));
	EXPECT_EQ(MEMBER, about.uid);
	EXPECT_EQ(MEMBER, about.gid);
	close(fd);
}

/* CREATE @mode: the umask is not applied */
TEST_F(owner, mode_ignores_the_umask)
{
	mode_t umask_before = umask(0777);
	int fd = create(self->door, self->name, page_bytes(), 0666, 0, NULL);
	struct shmdev_info about;

	umask(umask_before);
	ASSERT_EQ(0, info(fd, &about));
	EXPECT_EQ(0666, about.mode);
	close(fd);
}

/* CREATE: the creator's file is for both, whatever the mode */
TEST_F(owner, has_a_file_for_both_whatever_the_mode)
{
	int fd = create(self->door, self->name, page_bytes(), 0, 0, NULL);

	ASSERT_LE(0, fd);
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(1, pwrite(fd, "x", 1, 0));
	close(fd);
}

/* OPEN: the file has the access that was asked for */
TEST_F(owner, gets_the_access_mode_that_was_asked_for)
{
	int fd = create_named(self->door, self->name, page_bytes());
	const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	size_t i;

	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int opened = open_named(self->door, self->name, modes[i]);

		ASSERT_LE(0, opened);
		EXPECT_EQ(modes[i], fcntl(opened, F_GETFL) & O_ACCMODE);
		close(opened);
	}
	close(fd);
}

/* "the device": chmod() and chown() are those of the segment file */
TEST_F(owner, and_mode_are_changed_through_the_file)
{
	int fd = create_named(self->door, self->name, page_bytes());
	struct shmdev_info about;
	pid_t pid;

	ASSERT_EQ(0, fchmod(fd, 0640));
	ASSERT_EQ(0, fchown(fd, OWNER, GROUP));
	ASSERT_EQ(0, info(fd, &about));
	EXPECT_EQ(0640, about.mode);
	EXPECT_EQ(OWNER, about.uid);
	EXPECT_EQ(GROUP, about.gid);
	pid = fork_child();
	if (!pid) {
		int old, closed;

		become(MEMBER, MEMBER, GROUP);
		old = open_named(self->door, self->name, O_RDONLY);
		CHILD_CHECK(old >= 0);
		/* The file that root handed down can be written to still. */
		CHILD_CHECK(pwrite(fd, "x", 1, 0) == 1);
		closed = open_named(self->door, self->name, O_RDWR);
		CHILD_CHECK(closed == -1 && errno == EACCES);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	close(fd);
}

/* OPEN: the segment's owner, mode and ACL decide */
TEST_F(owner, can_grant_by_an_access_control_list)
{
	struct {
		__u32 version;
		struct {
			__u16 tag, perm;
			__u32 id;
		} entries[5];
	} acl = { 2, {
		{ 0x01, 6, ~0U },	/* user:: */
		{ 0x02, 4, OTHER },	/* user:OTHER: */
		{ 0x04, 0, ~0U },	/* group:: */
		{ 0x10, 4, ~0U },	/* mask:: */
		{ 0x20, 0, ~0U },	/* other:: */
	} };
	int fd = create_named(self->door, self->name, page_bytes());
	pid_t pid;

	ASSERT_LE(0, fd);
	if (fsetxattr(fd, "system.posix_acl_access", &acl, sizeof(acl), 0)) {
		ASSERT_EQ(EOPNOTSUPP, errno);
		close(fd);
		SKIP(return, "no ACLs on tmpfs in this kernel");
	}
	pid = fork_child();
	if (!pid) {
		become(OTHER, OTHER, OTHER);
		CHILD_CHECK(!error_of_open(self->door, self->name, O_RDONLY));
		CHILD_CHECK(error_of_open(self->door, self->name, O_RDWR) ==
			    EACCES);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	pid = fork_child();
	if (!pid) {
		become(MEMBER, MEMBER, MEMBER);
		CHILD_CHECK(error_of_open(self->door, self->name, O_RDONLY) ==
			    EACCES);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	close(fd);
}

/* INFO @uid: the owner, in the caller's user namespace */
TEST_F(owner, is_shown_in_the_callers_user_namespace)
{
	int fd = create_kept(self->door, self->name, page_bytes());
	struct shmdev_info about;
	pid_t pid;

	ASSERT_EQ(0, fchown(fd, OWNER, GROUP));
	pid = fork_child();
	if (!pid) {
		if (unshare(CLONE_NEWUSER))
			_exit(errno == ENOSYS || errno == EINVAL ? 4 : 1);
		CHILD_CHECK(!info(fd, &about));
		CHILD_CHECK(about.uid == 65534);
		CHILD_CHECK(about.gid == 65534);
		/* Its root is none of ours. */
		CHILD_CHECK(remove_named(self->door, self->name) == -1);
		CHILD_CHECK(errno == EPERM);
		CHILD_CHECK(fchmod(fd, 0666) == -1);
		_exit(0);
	}
	switch (reap(pid)) {
	case 0:
		break;
	case 4:
		SKIP(return, "no user namespaces in this kernel");
	default:
		EXPECT_TRUE(false) TH_LOG("in a user namespace");
	}
	close(fd);
}

/* "the device": the permission of the default segment is /dev/shmdev's */
TEST_F(owner, of_the_device_node_decides_about_the_default_segment)
{
	char path[80];
	struct stat st;
	pid_t pid;

	ASSERT_EQ(0, fstat(self->door, &st));
	snprintf(path, sizeof(path), "/tmp/%s", self->name);
	ASSERT_EQ(0, mknod(path, S_IFCHR | 0604, st.st_rdev));
	ASSERT_EQ(0, chmod(path, 0604));
	pid = fork_child();
	if (!pid) {
		int fd;
		void *view;

		become(OTHER, OTHER, OTHER);
		CHILD_CHECK(open(path, O_RDWR) == -1 && errno == EACCES);
		fd = open(path, O_RDONLY);
		CHILD_CHECK(fd >= 0);
		CHILD_CHECK(map(fd, page_bytes(), PROT_READ | PROT_WRITE) ==
			    MAP_FAILED && errno == EACCES);
		view = map(fd, page_bytes(), PROT_READ);
		CHILD_CHECK(view != MAP_FAILED);
		CHILD_CHECK(kick(fd) == -1 && errno == EBADF);
		CHILD_CHECK(create_anonymous(fd, page_bytes()) == -1 &&
			    errno == EBADF);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	unlink(path);
}

/* INFO, LIST @uid, @gid, @mode: of the default segment, /dev/shmdev's */
TEST_F(owner, of_the_device_node_is_shown_for_the_default_segment)
{
	struct shmdev_info about[2];
	struct stat st;
	char path[80];
	int fd, i;

	ASSERT_EQ(0, fstat(self->door, &st));
	snprintf(path, sizeof(path), "/tmp/%s", self->name);
	ASSERT_EQ(0, mknod(path, S_IFCHR | 0604, st.st_rdev));
	ASSERT_EQ(0, chmod(path, 0604));
	ASSERT_EQ(0, chown(path, OTHER, OTHER + 1));
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, info(fd, &about[0]));
	EXPECT_EQ(1, list(fd, 0, 0, &about[1], 1));
	for (i = 0; i < 2; i++) {
		EXPECT_TRUE(about[i].flags & SHMDEV_INFO_F_DEFAULT);
		EXPECT_EQ(OTHER, about[i].uid);
		EXPECT_EQ(OTHER + 1, about[i].gid);
		EXPECT_EQ(0604, about[i].mode);
	}
	close(fd);
	unlink(path);
}

/* A file of either kind, open for one thing, the other, or both. */
FIXTURE(access) {
	struct target target;
	int fd;
};

FIXTURE_VARIANT(access) {
	enum kind kind;
	int flags;
};

FIXTURE_VARIANT_ADD(access, reading_the_door) { DOOR, O_RDONLY };
FIXTURE_VARIANT_ADD(access, writing_the_door) { DOOR, O_WRONLY };
FIXTURE_VARIANT_ADD(access, both_at_the_door) { DOOR, O_RDWR };
FIXTURE_VARIANT_ADD(access, reading) { SEGMENT, O_RDONLY };
FIXTURE_VARIANT_ADD(access, writing) { SEGMENT, O_WRONLY };
FIXTURE_VARIANT_ADD(access, both) { SEGMENT, O_RDWR };

FIXTURE_SETUP(access)
{
	ASSERT_EQ(0, target_open(&self->target, variant->kind, page_bytes(),
				 NULL));
	self->fd = reopen(self->target.fd, variant->flags);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(access)
{
	close(self->fd);
	EXPECT_EQ(0, target_close(&self->target));
}

/* "errors", EBADF: the descriptor was not opened for reading (WAIT) */
TEST_F(access, to_read_lets_wait)
{
	const __u32 word = 5;
	const __u64 at = self->target.bytes - sizeof(word);
	bool may = variant->flags != O_WRONLY;

	ASSERT_EQ(sizeof(word), pwrite(self->target.fd, &word, sizeof(word),
				       at));
	EXPECT_ERRNO(may ? EAGAIN : EBADF, wait_word(self->fd, at, 6, 0));
	EXPECT_ERRNO(may ? ETIMEDOUT : EBADF, wait_word(self->fd, at, 5, 0));
	/* Whoever may not is not told where the segment ends. */
	EXPECT_ERRNO(may ? ENXIO : EBADF,
		     wait_word(self->fd, self->target.bytes, 5, 0));
}

/* "errors", EBADF: the descriptor was not opened for writing (WAKE) */
TEST_F(access, to_write_lets_wake)
{
	bool may = variant->flags != O_RDONLY;
	__u64 before = look(self->target.fd);

	EXPECT_ERRNO(may ? 0 : EBADF, wake_word(self->fd, 0, 1));
	EXPECT_ERRNO(may ? ENXIO : EBADF,
		     wake_word(self->fd, self->target.bytes, 1));
	/* Nor are pollers told of what was refused. */
	EXPECT_EQ(before + may, look(self->target.fd));
}

/* JOIN, LEAVE, PEERS: for whoever has a file */
TEST_F(access, of_any_kind_lets_join)
{
	struct shmdev_peer entry;
	__u64 id;

	ASSERT_EQ(0, join(self->fd, "any", &id));
	ASSERT_EQ(1, peers(self->fd, id, &entry, 1, NULL, NULL));
	EXPECT_EQ(getpid(), entry.pid);
	EXPECT_EQ(SHMDEV_PEER_ALIVE, entry.state);
	EXPECT_EQ(0, leave(self->fd));
	EXPECT_ERRNO(ESRCH, leave(self->fd));
}

/*
 * A user who may read, and nothing else. Each test is one way in which memory
 * that a process maps read-only has been written to before; it runs in a
 * child, and afterwards every byte must be as it was.
 */
#define GRANT_PAGES 4

FIXTURE(read_only_grant) {
	struct target target;
	size_t bytes;
	char name[SHMDEV_NAME_SIZE];
	char path[80];
	char *expected;
	int fd;
	char *view;
};

FIXTURE_VARIANT(read_only_grant) {
	enum kind kind;
};

FIXTURE_VARIANT_ADD(read_only_grant, door) { DOOR };
FIXTURE_VARIANT_ADD(read_only_grant, segment) { SEGMENT };

FIXTURE_SETUP(read_only_grant)
{
	struct stat st;
	size_t i;

	ASSERT_EQ(0, target_open(&self->target, variant->kind,
				 GRANT_PAGES * page_bytes(), NULL));
	self->bytes = GRANT_PAGES * page_bytes();
	make_name(self->name, "grant");
	snprintf(self->path, sizeof(self->path), "/tmp/%s", self->name);
	self->expected = malloc(self->bytes);
	for (i = 0; i < self->bytes; i++)
		self->expected[i] = 'A' + i % 23;
	if (variant->kind == SEGMENT) {
		close(self->target.fd);
		self->target.fd = create(self->target.door, self->name,
					 self->bytes, 0604, 0, NULL);
		ASSERT_LE(0, self->target.fd);
	} else {
		ASSERT_EQ(0, fstat(self->target.door, &st));
		ASSERT_EQ(0, mknod(self->path, S_IFCHR, st.st_rdev));
		ASSERT_EQ(0, chmod(self->path, 0604));
	}
	ASSERT_EQ(self->bytes, pwrite(self->target.fd, self->expected,
				      self->bytes, 0));
}

FIXTURE_TEARDOWN(read_only_grant)
{
	char *now = malloc(self->bytes);

	EXPECT_EQ(self->bytes, pread(self->target.fd, now, self->bytes, 0));
	EXPECT_EQ(0, memcmp(self->expected, now, self->bytes));
	free(now);
	free(self->expected);
	unlink(self->path);
	EXPECT_EQ(0, target_close(&self->target));
}

/* In a child: becomes the user, opens what may be opened, and maps it. */
static void take_grant(FIXTURE_DATA(read_only_grant) *self)
{
	int door = self->target.door;
	int fd = self->target.fd;

	become(OTHER, OTHER, OTHER);
	self->fd = access(self->path, F_OK) ?
		   open_named(door, self->name, O_RDONLY) :
		   open(self->path, O_RDONLY);
	CHILD_CHECK(self->fd >= 0);
	close(fd);
	close(door);
	self->view = map(self->fd, self->bytes, PROT_READ);
	CHILD_CHECK(self->view != MAP_FAILED);
	CHILD_CHECK(!touch_read(self->view));
}

#define REFUSED(error, call) \
	CHILD_CHECK((long)(call) == -1 && errno == (error))

/* A named way in: its body runs as the user, with @grant. */
#define WAY_IN(name)							\
	static void name##_way(FIXTURE_DATA(read_only_grant) *grant);	\
	TEST_F(read_only_grant, name)					\
	{								\
		pid_t pid = fork_child();				\
		int end;						\
									\
		if (!pid) {						\
			take_grant(self);				\
			name##_way(self);				\
			_exit(0);					\
		}							\
		end = reap(pid);					\
		if (end == KSFT_SKIP)					\
			SKIP(return, #name ": this kernel lacks it");		\
		EXPECT_EQ(0, end);					\
	}								\
	static void name##_way(FIXTURE_DATA(read_only_grant) *grant)

/* OPEN: one opened O_RDONLY can never be mapped writable */
WAY_IN(is_not_widened_by_a_second_mmap)
{
	REFUSED(EACCES, map(grant->fd, grant->bytes, PROT_READ | PROT_WRITE));
	REFUSED(EACCES, mmap(grant->view, grant->bytes, PROT_WRITE,
			     MAP_SHARED | MAP_FIXED, grant->fd, 0));
}

/* OPEN: ... nor made so later */
WAY_IN(is_not_widened_by_mprotect)
{
	REFUSED(EACCES, mprotect(grant->view, grant->bytes,
				 PROT_READ | PROT_WRITE));
	REFUSED(EACCES, mprotect(grant->view, page_bytes(), PROT_WRITE));
	REFUSED(EACCES, mprotect(grant->view, grant->bytes,
				 PROT_READ | PROT_EXEC));
	CHILD_CHECK(touch_write(grant->view) == SIGSEGV);
}

/* OPEN: ... not in another place either */
WAY_IN(is_not_widened_by_mremap)
{
	char *copy = mremap(grant->view, 0, grant->bytes, MREMAP_MAYMOVE);

	CHILD_CHECK(copy != MAP_FAILED);
	REFUSED(EACCES, mprotect(copy, grant->bytes, PROT_WRITE));
	CHILD_CHECK(touch_write(copy) == SIGSEGV);
}

/* OPEN: the mode decides again when it is opened again */
WAY_IN(is_not_widened_by_reopening)
{
	REFUSED(EACCES, reopen(grant->fd, O_RDWR));
	REFUSED(EACCES, reopen(grant->fd, O_WRONLY));
	REFUSED(EACCES, reopen(grant->fd, O_RDONLY | O_TRUNC));
	CHILD_CHECK(reopen(grant->fd, O_RDONLY) >= 0);
}

/* OPEN: ... by whatever path */
WAY_IN(is_not_widened_by_map_files)
{
	char path[80];

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (long)grant->view, (long)grant->view + grant->bytes);
	CHILD_CHECK(open(path, O_RDWR) == -1 &&
		    (errno == EPERM || errno == EACCES));
	CHILD_CHECK(truncate(path, 0) == -1);
}

/* OPEN: a debugger's way around protection is no way into shared memory */
WAY_IN(is_not_widened_by_proc_mem)
{
	int memory = open("/proc/self/mem", O_RDWR);

	CHILD_CHECK(memory >= 0);
	/* Through lseek() and write(): pwrite() takes no 32-bit address. */
	CHILD_CHECK(lseek64(memory, (uintptr_t)grant->view, SEEK_SET) ==
		    (off64_t)(uintptr_t)grant->view);
	REFUSED(EIO, write(memory, "evil", 4));
}

/* OPEN: process_vm_writev() asks the mapping */
WAY_IN(is_not_widened_by_process_vm_writev)
{
	struct iovec from = { "evil", 4 }, to = { grant->view, 4 };

	REFUSED(EFAULT, process_vm_writev(getpid(), &from, 1, &to, 1, 0));
}

/* OPEN: nor does a tracer write where its child may not */
WAY_IN(is_not_widened_by_ptrace)
{
	pid_t pid = fork_child();
	int status;

	if (!pid) {
		CHILD_CHECK(!ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGSTOP);
		_exit(0);
	}
	CHILD_CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	errno = 0;
	ptrace(PTRACE_PEEKDATA, pid, grant->view, 0);
	CHILD_CHECK(!errno);
	CHILD_CHECK(ptrace(PTRACE_POKEDATA, pid, grant->view, 0x6c697665) ==
		    -1 && (errno == EIO || errno == EFAULT));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

/* OPEN: the mapping is no buffer for somebody else's bytes */
WAY_IN(is_no_buffer_for_read)
{
	int zero = open("/dev/zero", O_RDONLY);
	int ends[2];
	struct iovec iov = { grant->view, grant->bytes };

	CHILD_CHECK(zero >= 0);
	CHILD_CHECK(read(zero, grant->view, 64) <= 0);
	CHILD_CHECK(!pipe(ends) && write(ends[1], "evil", 4) == 4);
	REFUSED(EFAULT, read(ends[0], grant->view, 4));
	REFUSED(EFAULT, vmsplice(ends[0], &iov, 1, 0));
}

/* OPEN: ... not when the device writes by itself, either */
WAY_IN(is_no_buffer_for_direct_io)
{
	char path[] = "/tmp/selftest-direct-XXXXXX";
	int file = mkostemp(path, O_DIRECT);
	char *block;

	if (file < 0) {
		CHILD_CHECK(errno == EINVAL);
		_exit(KSFT_SKIP);
	}
	unlink(path);
	CHILD_CHECK(!posix_memalign((void **)&block, 4096, 4096));
	memset(block, 'x', 4096);
	CHILD_CHECK(write(file, block, 4096) == 4096);
	REFUSED(EFAULT, pread(file, grant->view, 4096, 0));
}

/* OPEN: ... nor one that io_uring writes to later */
WAY_IN(is_no_buffer_for_io_uring)
{
	struct io_uring_params params = { 0 };
	struct iovec iov = { grant->view, grant->bytes };
	int ring = syscall(SYS_io_uring_setup, 4, &params);

	if (ring < 0) {
		CHILD_CHECK(errno == ENOSYS || errno == EPERM);
		_exit(KSFT_SKIP);
	}
	REFUSED(EFAULT, syscall(SYS_io_uring_register, ring,
				IORING_REGISTER_BUFFERS, &iov, 1));
}

/* OPEN: ... nor one that a fault handler fills */
WAY_IN(is_no_buffer_for_userfaultfd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (uintptr_t)grant->view, grant->bytes },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	if (uffd < 0) {
		CHILD_CHECK(errno == ENOSYS || errno == EPERM);
		_exit(KSFT_SKIP);
	}
	CHILD_CHECK(!ioctl(uffd, UFFDIO_API, &api));
	REFUSED(EPERM, ioctl(uffd, UFFDIO_REGISTER, &range));
}

/* OPEN: the file itself is for reading */
WAY_IN(is_not_written_through_its_file)
{
	int zero = open("/dev/zero", O_RDONLY), ends[2];
	struct iovec iov = { "evil", 4 };
	loff_t at = 0;

	REFUSED(EBADF, write(grant->fd, "evil", 4));
	REFUSED(EBADF, pwrite(grant->fd, "evil", 4, 0));
	REFUSED(EBADF, pwritev(grant->fd, &iov, 1, 0));
	CHILD_CHECK(!pipe(ends) && write(ends[1], "evil", 4) == 4);
	REFUSED(EBADF, splice(ends[0], NULL, grant->fd, &at, 4, 0));
	REFUSED(EBADF, syscall(SYS_sendfile, grant->fd, zero, NULL, 4));
	CHILD_CHECK(copy_file_range(zero, NULL, grant->fd, &at, 4, 0) == -1);
	REFUSED(EBADF, kick(grant->fd));
	REFUSED(EBADF, wake_word(grant->fd, 0, SHMDEV_WAKE_ALL));
}

/* WAIT, JOIN: a reader waits, and takes part, without writing to the memory */
WAY_IN(is_enough_to_wait_and_to_join)
{
	struct shmdev_peer entry;
	__u32 word;
	__u64 id;

	memcpy(&word, grant->view, sizeof(word));
	REFUSED(EAGAIN, wait_word(grant->fd, 0, ~word, 0));
	REFUSED(ETIMEDOUT, wait_word(grant->fd, 0, word, 1));
	CHILD_CHECK(!join(grant->fd, "reader", &id));
	CHILD_CHECK(peers(grant->fd, id, &entry, 1, NULL, NULL) == 1);
	CHILD_CHECK(entry.pid == getpid());
	CHILD_CHECK(!leave(grant->fd));
}

/* OPEN: nor can its size or its pages be changed */
WAY_IN(is_not_emptied)
{
	CHILD_CHECK(ftruncate(grant->fd, 0) == -1);
	CHILD_CHECK(fallocate(grant->fd, FALLOC_FL_PUNCH_HOLE |
			      FALLOC_FL_KEEP_SIZE, 0, page_bytes()) == -1);
	REFUSED(EACCES, madvise(grant->view, page_bytes(), MADV_REMOVE));
	CHILD_CHECK(fcntl(grant->fd, F_ADD_SEALS, F_SEAL_WRITE) == -1);
}

/* OPEN: nor the mode, by who does not own it */
WAY_IN(is_not_widened_by_chmod)
{
	REFUSED(EPERM, fchmod(grant->fd, 0666));
	REFUSED(EPERM, fchown(grant->fd, OTHER, OTHER));
}

/* OPEN: the kernel's own writes to user memory ask the mapping as well */
WAY_IN(is_not_written_by_the_kernel_at_exit)
{
	struct {
		void *next;
		long offset;
		void *pending;
	} robust = { grant->view, 0, NULL };
	pid_t pid;

	/* A thread's end clears a word, and marks the locks it held. */
	pid = syscall(SYS_clone, CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID |
		      SIGCHLD, 0, NULL,
#ifdef __x86_64__
		      grant->view, 0
#else
		      0, grant->view
#endif
		      );
	if (!pid) {
		syscall(SYS_set_robust_list, &robust, sizeof(robust));
		_exit(0);
	}
	CHILD_CHECK(pid > 0 && !reap(pid));
	/* Results that are to be written into the grant. */
	REFUSED(EFAULT, syscall(SYS_clock_gettime, CLOCK_MONOTONIC,
				grant->view));
}

/* OPEN: pages are not made writable ahead of time */
WAY_IN(is_not_populated_for_writing)
{
	CHILD_CHECK(madvise(grant->view, page_bytes(),
			    23 /* MADV_POPULATE_WRITE */) == -1);
	CHILD_CHECK(remap_file_pages(grant->view, page_bytes(), PROT_WRITE,
				     1, 0) == -1);
	CHILD_CHECK(touch_write(grant->view) == SIGSEGV);
}

/* OPEN: a private copy is the reader's own */
WAY_IN(is_not_reached_by_a_private_copy)
{
	char *copy = mmap(NULL, grant->bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE, grant->fd, 0);
	int memory = open("/proc/self/mem", O_RDWR);

	CHILD_CHECK(copy != MAP_FAILED);
	CHILD_CHECK(memory >= 0);
	memset(copy, 'x', page_bytes());
	CHILD_CHECK(!madvise(copy, grant->bytes, MADV_DONTNEED));
	CHILD_CHECK(copy[0] == 'A');
	memset(copy, 'y', grant->bytes);
	CHILD_CHECK(grant->view[0] == 'A');
}

TEST_HARNESS_MAIN

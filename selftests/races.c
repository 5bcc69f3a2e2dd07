// SPDX-License-Identifier: GPL-2.0
/*
 * Everybody at once: names that come and go while others look them up,
 * mappings whose segment is removed, descriptors that are closed while they
 * are in use. What a single caller may rely on must hold in the middle of it.
 */
#include <sys/epoll.h>

#include "storm.h"

#define NAMES		3
#define OPENER_UID	2000
#define LAZY_PAGES	512

/*
 * What a creator makes says by its owner whose it is, so that every part of a
 * segment must agree with every other, whoever finds it and when.
 */
static const struct make {
	uid_t uid;
	__u32 mode;
	unsigned int pages;
} makes[] = {
	{ 1001, 0600, 1 },
	{ 1002, 0604, 2 },
	{ 1003, 0644, 3 },
};

FIXTURE(races) {
	int door;
	char names[NAMES][SHMDEV_NAME_SIZE];
	struct state before;
};

FIXTURE_SETUP(races)
{
	char what[8];
	int i;

	for (i = 0; i < NAMES; i++) {
		snprintf(what, sizeof(what), "race%d", i);
		make_name(self->names[i], what);
	}
	self->door = open_door();
	ASSERT_LE(0, self->door);
	self->before = take_state(self->door);
}

/* Whatever the storm did, when it is over nothing is left of it. */
FIXTURE_TEARDOWN(races)
{
	int i;

	for (i = 0; i < NAMES; i++)
		remove_named(self->door, self->names[i]);
	expect_unchanged_soon(_metadata, self->door, &self->before);
	close(self->door);
}

static const char *any_name(FIXTURE_DATA(races) *races, struct worker *self)
{
	return races->names[dice(self, NAMES)];
}

static const struct make *maker(uid_t uid)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(makes); i++)
		if (makes[i].uid == uid)
			return &makes[i];
	return NULL;
}

/* Is all that INFO or LIST says of a segment said of the same one? */
static bool agrees(const struct shmdev_info *about)
{
	const struct make *make = maker(about->uid);

	return make && about->gid == make->uid && about->mode == make->mode &&
	       about->bytes == make->pages * page_bytes() &&
	       about->resident == about->bytes && about->id &&
	       !strcmp(about->endpoint, "hello") &&
	       !(about->flags & SHMDEV_INFO_F_SHUTDOWN);
}

/* A file that somebody has just got: INFO, stat and the bytes agree. */
static void check_file(struct storm *storm, int fd)
{
	char greeting[sizeof(SHMDEV_HELLO_GREETING)];
	struct shmdev_info about;
	struct stat status;

	STORM_CHECK(storm, !info(fd, &about));
	STORM_CHECK(storm, agrees(&about));
	STORM_CHECK(storm, !fstat(fd, &status));
	STORM_CHECK(storm, status.st_uid == about.uid);
	STORM_CHECK(storm, status.st_ino == about.inode);
	STORM_CHECK(storm, status.st_mode == (S_IFREG | about.mode));
	STORM_CHECK(storm, status.st_size == about.bytes);
	STORM_CHECK(storm,
		    pread(fd, greeting, sizeof(greeting), 0) ==
		    sizeof(greeting));
	STORM_CHECK(storm, !strcmp(greeting, SHMDEV_HELLO_GREETING));
}

struct creator {
	FIXTURE_DATA(races) *races;
	const struct make *make;
};

static void creates(struct worker *self)
{
	struct creator *with = self->with;
	const struct make *make = with->make;
	int door = with->races->door;

	become(make->uid, make->uid, make->uid);
	while (next_round(self)) {
		const char *name = any_name(with->races, self);
		bool keep = dice(self, 2);
		int fd = create(door, name, make->pages * page_bytes(),
				make->mode, keep ? SHMDEV_CREATE_F_KEEP : 0,
				"hello");
		__u64 id;

		if (fd < 0) {
			STORM_CHECK(self->storm, errno == EEXIST);
			/* Somebody else's is not ours to remove. */
			if (!dice(self, 4) && remove_named(door, name))
				STORM_CHECK(self->storm,
					    errno == ENOENT || errno == EPERM);
			continue;
		}
		check_file(self->storm, fd);
		id = id_of(fd);
		STORM_CHECK(self->storm, !kick(fd));
		if (dice(self, 2))
			sched_yield();
		if (dice(self, 2))
			close(fd);
		else
			fd = -fd - 1;
		if (keep && remove_id(door, id))
			STORM_CHECK(self->storm, errno == ENOENT);
		if (fd < 0)
			close(-fd - 1);
	}
}

/* Opens by name, and by a path whose segment may have ended meanwhile. */
static void opens(struct worker *self)
{
	FIXTURE_DATA(races) *races = self->with;

	while (next_round(self)) {
		const char *name = any_name(races, self);
		int fd = open_named(races->door, name, O_RDWR);
		int path, again;

		if (fd < 0) {
			STORM_CHECK(self->storm, errno == ENOENT);
			continue;
		}
		check_file(self->storm, fd);
		STORM_CHECK(self->storm, !kick(fd));
		path = reopen(fd, O_PATH);
		STORM_CHECK(self->storm, path >= 0);
		close(fd);
		again = reopen(path, O_RDONLY);
		close(path);
		if (again < 0) {
			STORM_CHECK(self->storm,
				    errno == ENXIO || errno == EIO);
			continue;
		}
		check_file(self->storm, again);
		close(again);
	}
}

/* Others' rights are what the mode says, from the first moment. */
static void opens_without_privilege(struct worker *self)
{
	FIXTURE_DATA(races) *races = self->with;
	struct shmdev_info about;

	become(OPENER_UID, OPENER_UID, OPENER_UID);
	while (next_round(self)) {
		const char *name = any_name(races, self);
		int fd = open_named(races->door, name, O_RDONLY);

		if (fd < 0) {
			STORM_CHECK(self->storm,
				    errno == ENOENT || errno == EACCES);
		} else {
			check_file(self->storm, fd);
			STORM_CHECK(self->storm, !info(fd, &about));
			STORM_CHECK(self->storm, about.mode & 0004);
			close(fd);
		}
		fd = open_named(races->door, name, O_RDWR);
		STORM_CHECK(self->storm, fd < 0);
		STORM_CHECK(self->storm, errno == ENOENT || errno == EACCES);
	}
}

static void lists(struct worker *self)
{
	FIXTURE_DATA(races) *races = self->with;
	struct shmdev_info entries[16];
	int count, i;

	while (next_round(self)) {
		count = list(races->door, 0, 1, entries, ARRAY_SIZE(entries));
		STORM_CHECK(self->storm, count >= 0);
		for (i = 0; i < count; i++) {
			if (!maker(entries[i].uid))
				continue;
			STORM_CHECK(self->storm, agrees(&entries[i]));
			STORM_CHECK(self->storm,
				    !i || entries[i].id > entries[i - 1].id);
			if (!dice(self, 4) &&
			    remove_id(races->door, entries[i].id))
				STORM_CHECK(self->storm, errno == ENOENT);
		}
	}
}

/*
 * CREATE, OPEN, REMOVE, LIST: whoever finds a segment finds a whole one, with
 * the owner, mode, size and bytes that it was made with
 */
TEST_F_TIMEOUT(races, names_lead_to_whole_segments_only, STORM_TIMEOUT)
{
	struct storm *storm = storm_begin(3000);
	struct creator creators[ARRAY_SIZE(makes)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(makes); i++) {
		creators[i] = (struct creator){ self, &makes[i] };
		storm_process(storm, creates, &creators[i]);
	}
	storm_process(storm, opens, self);
	storm_process(storm, opens, self);
	storm_process(storm, opens_without_privilege, self);
	storm_process(storm, lists, self);
	storm_end(_metadata, storm);
}

static bool all_words(const __u64 *word, size_t bytes, __u64 a, __u64 b)
{
	const __u64 *end = word + bytes / sizeof(*word);

	for (; word < end; word++)
		if (*word != a && *word != b)
			return false;
	return true;
}

static void fill_words(__u64 *word, size_t bytes, __u64 value)
{
	__u64 *end = word + bytes / sizeof(*word);

	while (word < end)
		*word++ = value;
}

/* Sizes around one page and one huge page. */
static size_t any_size(struct worker *self)
{
	return dice(self, 8) ? (1 + dice(self, 8)) * page_bytes() :
			       2 * MIB + dice(self, 2) * page_bytes();
}

/* A segment whose every word is its id, under a name that others remove. */
static void writes_its_id(struct worker *self)
{
	FIXTURE_DATA(races) *races = self->with;

	while (next_round(self)) {
		size_t bytes = any_size(self);
		bool lazy = dice(self, 2);
		int fd = create(races->door, any_name(races, self), bytes, 0600,
				lazy ? SHMDEV_CREATE_F_LAZY : 0, NULL);
		__u64 *view, id;

		if (fd < 0) {
			STORM_CHECK(self->storm, errno == EEXIST);
			continue;
		}
		id = id_of(fd);
		view = map(fd, bytes, PROT_READ | PROT_WRITE);
		STORM_CHECK(self->storm, view != MAP_FAILED);
		if (dice(self, 2))
			close(fd);
		else
			fd = -fd - 1;
		STORM_CHECK(self->storm, all_words(view, bytes, 0, 0));
		fill_words(view, bytes, id);
		sched_yield();
		if (fd < 0)
			close(-fd - 1);
		STORM_CHECK(self->storm, all_words(view, bytes, id, id));
		munmap(view, bytes);
	}
}

/* What was found by name is that segment to the last page, removed or not. */
static void reads_ids(struct worker *self)
{
	FIXTURE_DATA(races) *races = self->with;

	while (next_round(self)) {
		const char *name = any_name(races, self);
		int fd = open_named(races->door, name, O_RDWR);
		struct shmdev_info about;
		__u64 *view;

		if (fd < 0) {
			STORM_CHECK(self->storm, errno == ENOENT);
			continue;
		}
		STORM_CHECK(self->storm, !info(fd, &about));
		view = map(fd, about.bytes, PROT_READ | PROT_WRITE);
		STORM_CHECK(self->storm, view != MAP_FAILED);
		close(fd);
		if (dice(self, 2) && remove_named(races->door, name))
			STORM_CHECK(self->storm, errno == ENOENT);
		STORM_CHECK(self->storm,
			    all_words(view, about.bytes, 0, about.id));
		sched_yield();
		STORM_CHECK(self->storm,
			    all_words(view, about.bytes, 0, about.id));
		munmap(view, about.bytes);
	}
}

/* Takes what others have freed, and leaves it full of something else. */
static void refills(struct worker *self)
{
	FIXTURE_DATA(races) *races = self->with;
	const size_t bytes = 4 * MIB;

	while (next_round(self)) {
		int fd = dice(self, 2) ?
			 create_anonymous(races->door, bytes) : -1;
		char *view = fd < 0 ?
			     mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) :
			     map(fd, bytes, PROT_READ | PROT_WRITE);

		STORM_CHECK(self->storm, view != MAP_FAILED);
		if (fd >= 0)
			close(fd);
		memset(view, 0xa5, bytes);
		munmap(view, bytes);
	}
}

/*
 * CREATE, REMOVE: the memory goes with the last file and mapping, not before,
 * and comes back to others as zeroes
 */
TEST_F_TIMEOUT(races, mapped_bytes_are_of_one_segment, STORM_TIMEOUT)
{
	struct storm *storm = storm_begin(3000);
	int i;

	for (i = 0; i < 2; i++) {
		storm_thread(storm, writes_its_id, self);
		storm_process(storm, writes_its_id, self);
		storm_thread(storm, reads_ids, self);
		storm_process(storm, reads_ids, self);
	}
	storm_thread(storm, refills, self);
	storm_end(_metadata, storm);
}

/* In flight, in a socket that ends before it arrives, or in itself. */
static void passes_files(struct worker *self)
{
	FIXTURE_DATA(races) *races = self->with;

	while (next_round(self)) {
		int fd = dice(self, 4) ? create_anonymous(races->door,
							  page_bytes()) :
					 open_door();
		__u64 id = id_of(fd);
		int ends[2], others[2], got, i;

		STORM_CHECK(self->storm, id);
		STORM_CHECK(self->storm,
			    !socketpair(AF_UNIX, SOCK_STREAM, 0, ends) &&
			    !socketpair(AF_UNIX, SOCK_STREAM, 0, others));
		STORM_CHECK(self->storm, !send_fd(ends[0], fd));
		close(fd);
		switch (dice(self, 4)) {
		case 0:
			got = receive_fd(ends[1]);
			STORM_CHECK(self->storm, id_of(got) == id);
			close(got);
			break;
		case 1:
			/* Only the collector of garbage ends these two: */
			STORM_CHECK(self->storm, !send_fd(ends[0], ends[1]));
			break;
		case 2:
			STORM_CHECK(self->storm,
				    !send_fd(ends[0], others[1]) &&
				    !send_fd(others[0], ends[1]));
			break;
		}
		for (i = 0; i < 2; i++) {
			close(ends[i]);
			close(others[i]);
		}
	}
}

/* "the device": a segment file in a socket ends as any file does */
TEST_F_TIMEOUT(races, files_in_sockets_end_with_them, STORM_TIMEOUT)
{
	struct storm *storm = storm_begin(1500);
	int ends[2];

	storm_thread(storm, passes_files, self);
	storm_thread(storm, passes_files, self);
	storm_process(storm, passes_files, self);
	storm_end(_metadata, storm);
	/* The end of a socket is when the kernel collects what is left. */
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	close(ends[0]);
	close(ends[1]);
}

/* The mode never lets others write, and lets them read now and then. */
static void changes_rights(struct worker *self)
{
	const int *segment = self->with;

	while (next_round(self)) {
		STORM_CHECK(self->storm, !fchmod(*segment, 0604));
		STORM_CHECK(self->storm, !fchown(*segment, 1001, 1001));
		STORM_CHECK(self->storm, !fchmod(*segment, 0600));
		STORM_CHECK(self->storm, !fchown(*segment, 0, 0));
	}
}

/* OPEN: the segment's owner and mode decide, as they are changed */
TEST_F_TIMEOUT(races, changing_rights_are_never_more_than_one_of_them,
	       STORM_TIMEOUT)
{
	int segment = create_kept(self->door, self->names[0], page_bytes());
	int *allowed = shared_memory(sizeof(*allowed));
	struct storm *storm;
	pid_t pid;

	ASSERT_LE(0, segment);
	ASSERT_NE(MAP_FAILED, allowed);
	storm = storm_begin(700);
	storm_thread(storm, changes_rights, &segment);
	pid = fork_child();
	if (!pid) {
		become(OPENER_UID, OPENER_UID, OPENER_UID);
		while (storm_goes_on(storm)) {
			int fd = open_named(self->door, self->names[0],
					    O_RDONLY);

			CHILD_CHECK(fd >= 0 || errno == EACCES);
			allowed[fd >= 0]++;
			if (fd >= 0)
				CHILD_CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) ==
					    O_RDONLY && !close(fd));
			CHILD_CHECK(open_named(self->door, self->names[0],
					       O_RDWR) == -1 &&
				    errno == EACCES);
		}
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	storm_end(_metadata, storm);
	EXPECT_LT(0, allowed[false]);
	EXPECT_LT(0, allowed[true]);
	close(segment);
}

/* A segment whose pages come one by one, and whose mode changes meanwhile. */
static void grows(struct worker *self)
{
	FIXTURE_DATA(races) *races = self->with;
	size_t bytes = LAZY_PAGES * page_bytes();
	char *memory;
	size_t i;
	int fd;

	while (next_round(self)) {
		fd = create(races->door, races->names[0], bytes, 0600,
			    SHMDEV_CREATE_F_LAZY, NULL);
		STORM_CHECK(self->storm, fd >= 0);
		memory = map(fd, bytes, PROT_READ | PROT_WRITE);
		STORM_CHECK(self->storm, memory != MAP_FAILED);
		for (i = 0; i < LAZY_PAGES; i++) {
			memory[i * page_bytes()] = 1;
			if (i % 8)
				continue;
			STORM_CHECK(self->storm,
				    !fchmod(fd, i % 16 ? 0600 : 0640));
		}
		munmap(memory, bytes);
		close(fd);
		/* It goes with the last who has it open. */
		while (storm_goes_on(self->storm) &&
		       (fd = open_named(races->door, races->names[0],
					O_RDONLY)) >= 0) {
			close(fd);
			sched_yield();
		}
	}
}

static void watches_it_grow(struct worker *self)
{
	FIXTURE_DATA(races) *races = self->with;
	struct shmdev_info about;
	__u64 resident;
	int fd;

	while (next_round(self)) {
		fd = open_named(races->door, races->names[0], O_RDONLY);
		if (fd < 0)
			continue;
		for (resident = 0; resident < LAZY_PAGES * page_bytes();
		     resident = about.resident) {
			STORM_CHECK(self->storm, !info(fd, &about));
			STORM_CHECK(self->storm, about.resident >= resident);
			STORM_CHECK(self->storm, about.resident <= about.bytes);
			STORM_CHECK(self->storm,
				    about.mode == 0600 || about.mode == 0640);
			if (!storm_goes_on(self->storm))
				break;
		}
		close(fd);
	}
}

/* INFO: what others change meanwhile is told as it was at some moment */
TEST_F_TIMEOUT(races, what_changes_is_told_as_it_was, STORM_TIMEOUT)
{
	struct storm *storm = storm_begin(700);

	storm_process(storm, grows, self);
	storm_thread(storm, watches_it_grow, self);
	storm_thread(storm, watches_it_grow, self);
	storm_end(_metadata, storm);
}

/*
 * Words that workers wait for and wake. What was woken and what woke up are
 * counted: the kernel must come to the same numbers.
 */
#define WORDS		16
#define WAKERS		3

struct words {
	int segment;
	__u32 *word;		/* the mapped segment */
	__u64 *woken;		/* what WAKE said, and */
	__u64 *woke_up;		/* what WAIT said */
};

static void wakes(struct worker *self)
{
	struct words *words = self->with;

	while (next_round(self)) {
		unsigned int i = dice(self, WORDS);
		__u32 count = dice(self, 3) ? SHMDEV_WAKE_ALL : dice(self, 3);
		int woken;

		__atomic_fetch_add(&words->word[i], 1, __ATOMIC_SEQ_CST);
		woken = wake_word(words->segment, i * 4, count);
		STORM_CHECK(self->storm, woken >= 0 &&
			    (count == SHMDEV_WAKE_ALL || woken <= count));
		__atomic_fetch_add(words->woken, woken, __ATOMIC_SEQ_CST);
		/* Now and then the sleepers have the time to fall asleep. */
		if (!dice(self, 4))
			usleep(dice(self, 300));
	}
}

static void waits(struct worker *self)
{
	struct words *words = self->with;

	while (next_round(self)) {
		unsigned int i = dice(self, WORDS);
		__u32 word = __atomic_load_n(&words->word[i], __ATOMIC_SEQ_CST);
		int ret = wait_word(words->segment, i * 4, word,
				    dice(self, 2000) * 1000);

		if (!ret)
			__atomic_fetch_add(words->woke_up, 1,
					   __ATOMIC_SEQ_CST);
		else
			STORM_CHECK(self->storm,
				    errno == EAGAIN || errno == ETIMEDOUT);
	}
}

/* WAKE: "returns how many it woke", and these are the WAITs that return 0 */
TEST_F_TIMEOUT(races, every_wake_up_is_somebodys, STORM_TIMEOUT)
{
	struct words words = {
		.segment = create_anonymous(self->door, page_bytes()),
		.woken = shared_memory(sizeof(*words.woken)),
		.woke_up = shared_memory(sizeof(*words.woke_up)),
	};
	struct storm *storm;
	int i;

	ASSERT_LE(0, words.segment);
	words.word = map(words.segment, page_bytes(), PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, words.word);
	storm = storm_begin(1500);
	for (i = 0; i < WAKERS; i++)
		storm_process(storm, wakes, &words);
	for (i = 0; i < 3; i++) {
		storm_thread(storm, waits, &words);
		storm_process(storm, waits, &words);
	}
	storm_end(_metadata, storm);
	EXPECT_EQ(*words.woken, *words.woke_up);
	EXPECT_LT(0, *words.woken);
	munmap(words.word, page_bytes());
	close(words.segment);
}

/* A record may have been forgotten by now, and is right if it was not. */
static void check_record(struct storm *storm, int segment, __u64 id, __u32 state)
{
	struct shmdev_peer entry;

	if (peers(segment, id, &entry, 1, NULL, NULL) != 1) {
		STORM_CHECK(storm, state != SHMDEV_PEER_ALIVE);
		STORM_CHECK(storm, errno == ESRCH);
		return;
	}
	STORM_CHECK(storm, entry.id == id);
	STORM_CHECK(storm, entry.state == state);
	STORM_CHECK(storm, entry.joined);
	STORM_CHECK(storm, !entry.ended == (state == SHMDEV_PEER_ALIVE));
}

/* Through a file of its own, so that it is a peer whoever else is one. */
static void comes_and_goes(struct worker *self)
{
	int segment = *(int *)self->with;
	__u64 id, last = 0;

	while (next_round(self)) {
		int fd = reopen(segment, dice(self, 3));

		STORM_CHECK(self->storm, !join(fd, "comes", &id));
		STORM_CHECK(self->storm, id > last);
		last = id;
		check_record(self->storm, segment, id, SHMDEV_PEER_ALIVE);
		STORM_CHECK(self->storm, join(fd, "again", NULL) == -1);
		STORM_CHECK(self->storm, errno == EALREADY);
		if (dice(self, 2)) {
			STORM_CHECK(self->storm, !leave(fd));
			check_record(self->storm, segment, id,
				     SHMDEV_PEER_LEFT);
			close(fd);
		} else {
			close(fd);
			check_record(self->storm, segment, id,
				     SHMDEV_PEER_CLOSED);
		}
	}
}

/* In a table of its own, the file that others are peers through is new to it. */
static void comes_and_goes_by_the_common_file(struct worker *self)
{
	int segment = *(int *)self->with;
	__u64 id;

	while (next_round(self)) {
		STORM_CHECK(self->storm, !join(segment, "common", &id));
		check_record(self->storm, segment, id, SHMDEV_PEER_ALIVE);
		STORM_CHECK(self->storm, !leave(segment));
		check_record(self->storm, segment, id, SHMDEV_PEER_LEFT);
	}
}

/* These are threads, so one peer: whoever comes first joins, or leaves. */
static void comes_and_goes_as_the_other_does(struct worker *self)
{
	int segment = *(int *)self->with;

	while (next_round(self)) {
		if (join(segment, "both", NULL))
			STORM_CHECK(self->storm, errno == EALREADY);
		if (leave(segment))
			STORM_CHECK(self->storm, errno == ESRCH);
	}
}

/* Somebody joins, and ends by himself or is killed, at whatever moment. */
static void has_children_that_die(struct worker *self)
{
	int segment = *(int *)self->with;
	__u64 *id = shared_memory(sizeof(*id));

	while (next_round(self)) {
		bool kills = dice(self, 2);
		__u32 delay = dice(self, 3000);
		pid_t pid = fork_child();

		*id = 0;
		if (!pid) {
			CHILD_CHECK(!join(segment, "dies", id));
			if (kills)
				for (;;)
					pause();
			_exit(3);
		}
		STORM_CHECK(self->storm, pid > 0);
		if (kills)
			usleep(delay);
		if (kills)
			kill(pid, SIGKILL);
		STORM_CHECK(self->storm,
			    reap(pid) == (kills ? 128 + SIGKILL : 3));
		if (*id)
			check_record(self->storm, segment, *id,
				     kills ? SHMDEV_PEER_KILLED :
					     SHMDEV_PEER_EXITED);
	}
}

/* Whatever the moment, the list is one that was true at it. */
static void looks_at_the_peers(struct worker *self)
{
	static struct shmdev_peer entries[128];
	int segment = *(int *)self->with, count, i;
	__u32 total = 0, alive = 0;

	while (next_round(self)) {
		count = peers(segment, 0, entries, ARRAY_SIZE(entries), &total,
			      &alive);
		STORM_CHECK(self->storm, count > 0 && count == total);
		STORM_CHECK(self->storm, alive <= count);
		STORM_CHECK(self->storm, count - alive <= 64);
		for (i = 0; i < count; i++) {
			bool lives = entries[i].state == SHMDEV_PEER_ALIVE;

			STORM_CHECK(self->storm, lives == (i < alive));
			STORM_CHECK(self->storm, lives == !entries[i].ended);
			STORM_CHECK(self->storm, entries[i].id);
			STORM_CHECK(self->storm, *entries[i].comm);
			if (i && i < alive)
				STORM_CHECK(self->storm, entries[i].id >
							 entries[i - 1].id);
		}
	}
}

/*
 * JOIN, LEAVE, PEERS: however many come and go, each is a peer from JOIN to its
 * end, how it ended is known at once, and at last nobody is left
 */
TEST_F_TIMEOUT(races, each_peer_is_there_until_its_end, STORM_TIMEOUT)
{
	int segment = create_anonymous(self->door, page_bytes());
	struct storm *storm;
	int i;

	ASSERT_LE(0, segment);
	/* So that there is a record whenever somebody looks. */
	ASSERT_EQ(0, join(segment, "first", NULL));
	ASSERT_EQ(0, leave(segment));
	storm = storm_begin(2000);
	for (i = 0; i < 2; i++) {
		storm_thread(storm, comes_and_goes, &segment);
		storm_process(storm, comes_and_goes, &segment);
		storm_process(storm, comes_and_goes_by_the_common_file,
			      &segment);
		storm_thread(storm, comes_and_goes_as_the_other_does, &segment);
		storm_process(storm, has_children_that_die, &segment);
	}
	storm_process(storm, looks_at_the_peers, &segment);
	storm_end(_metadata, storm);
	EXPECT_EQ(0, peers_of(segment));
	close(segment);
}

struct closer {
	int fd;
	int other;
	bool replaces;
	unsigned int delay;
};

static void delay(unsigned int turns)
{
	volatile unsigned int i;

	for (i = 0; i < turns; i++)
		;
}

static void *closes(void *with)
{
	struct closer *closer = with;

	delay(closer->delay);
	if (closer->replaces)
		dup2(closer->other, closer->fd);
	else
		close(closer->fd);
	return NULL;
}

/* One thread joins through a descriptor while another closes it. */
static void joins_what_is_closed(struct worker *self)
{
	FIXTURE_DATA(races) *races = self->with;
	int segment = create_anonymous(races->door, page_bytes());
	int other = open("/dev/null", O_RDWR | O_CLOEXEC);

	STORM_CHECK(self->storm, segment >= 0 && other >= 0);
	while (next_round(self)) {
		struct closer closer = {
			.fd = reopen(segment, O_RDWR),
			.other = other,
			.replaces = dice(self, 2),
			.delay = dice(self, 5000),
		};
		pthread_t thread;
		__u64 id;

		STORM_CHECK(self->storm, closer.fd >= 0);
		STORM_CHECK(self->storm, !pthread_create(&thread, NULL, closes,
							 &closer));
		delay(dice(self, 20000));
		if (join(closer.fd, "late", &id))
			STORM_CHECK(self->storm, errno == EBADF ||
				    (closer.replaces && errno == ENOTTY));
		pthread_join(thread, NULL);
		STORM_CHECK(self->storm, !peers_of(segment));
		if (closer.replaces)
			close(closer.fd);
	}
	close(other);
	close(segment);
}

/* JOIN: "until it closes this descriptor", were it in the middle of the call */
TEST_F_TIMEOUT(races, no_peer_outlives_its_descriptor, STORM_TIMEOUT)
{
	struct storm *storm = storm_begin(1500);

	storm_process(storm, joins_what_is_closed, self);
	storm_process(storm, joins_what_is_closed, self);
	storm_end(_metadata, storm);
}

/*
 * One descriptor, in use by two threads, that a third gives to another file
 * all the time. It is high enough that nobody is handed it by chance.
 */
#define VICTIM	500

FIXTURE(closing) {
	int door;
	int files[4];
	__u64 ids[3];
	int first_free;
	int handed_out;
	__u32 peers;		/* of the default segment */
	char name[SHMDEV_NAME_SIZE];
	struct state before;
};

FIXTURE_VARIANT(closing) {
	bool (*use)(FIXTURE_DATA(closing) *self);
};

/* What a call may say of a file that has gone, or is another one by now. */
static bool went(int ret)
{
	return ret >= 0 || errno == EBADF || errno == ENOTTY ||
	       errno == ENODEV || errno == ENOTCONN;
}

static bool use_version(FIXTURE_DATA(closing) *self)
{
	return went(version(VICTIM));
}

static bool is_handed_out(FIXTURE_DATA(closing) *self, int fd)
{
	struct shmdev_info about;

	if (fd < 0)
		return went(fd) || errno == EEXIST || errno == ENOENT;
	__atomic_store_n(&self->handed_out, fd, __ATOMIC_RELAXED);
	if (!went(info(fd, &about)))
		return false;
	close(fd);
	return true;
}

static bool use_create(FIXTURE_DATA(closing) *self)
{
	return is_handed_out(self, create_anonymous(VICTIM, page_bytes()));
}

static bool use_open(FIXTURE_DATA(closing) *self)
{
	return is_handed_out(self, open_named(VICTIM, self->name, O_RDWR));
}

static bool use_remove(FIXTURE_DATA(closing) *self)
{
	close(create_kept(self->door, self->name, page_bytes()));
	return went(remove_named(VICTIM, self->name)) || errno == ENOENT;
}

static bool use_list(FIXTURE_DATA(closing) *self)
{
	struct shmdev_info entries[8];
	int count = list(VICTIM, 0, 0, entries, ARRAY_SIZE(entries));

	return went(count) && (count < 0 || entries[0].id == self->ids[0]);
}

static bool use_info(FIXTURE_DATA(closing) *self)
{
	struct shmdev_info about;

	if (info(VICTIM, &about))
		return went(-1);
	return about.id == self->ids[0] || about.id == self->ids[1] ||
	       about.id == self->ids[2];
}

static bool use_mappings(FIXTURE_DATA(closing) *self)
{
	struct shmdev_mapping entries[4];

	return went(mappings(VICTIM, entries, ARRAY_SIZE(entries), NULL));
}

static bool use_kick(FIXTURE_DATA(closing) *self)
{
	return went(kick(VICTIM));
}

static bool use_look(FIXTURE_DATA(closing) *self)
{
	struct shmdev_look arg = { .size = sizeof(arg) };

	return went(ioctl(VICTIM, SHMDEV_IOC_LOOK, &arg));
}

/* What a call that goes on may say of the word, or of the peer. */
static bool went_or(int ret, int error, int other)
{
	return went(ret) || errno == error || errno == other;
}

static bool use_wait(FIXTURE_DATA(closing) *self)
{
	return went_or(wait_word(VICTIM, page_bytes() - 4, 0, 100000),
		       EAGAIN, ETIMEDOUT);
}

static bool use_wake(FIXTURE_DATA(closing) *self)
{
	return went(wake_word(VICTIM, page_bytes() - 4, SHMDEV_WAKE_ALL));
}

static bool use_join(FIXTURE_DATA(closing) *self)
{
	return went_or(join(VICTIM, "victim", NULL), EALREADY, 0);
}

static bool use_leave(FIXTURE_DATA(closing) *self)
{
	return use_join(self) && went_or(leave(VICTIM), ESRCH, 0);
}

static bool use_peers(FIXTURE_DATA(closing) *self)
{
	struct shmdev_peer entries[4];

	return use_join(self) && went(peers(VICTIM, 0, entries,
					    ARRAY_SIZE(entries), NULL, NULL));
}

static bool use_read(FIXTURE_DATA(closing) *self)
{
	char text[8192];

	return went(pread(VICTIM, text, sizeof(text), 0));
}

static bool use_write(FIXTURE_DATA(closing) *self)
{
	return went(pwrite(VICTIM, "written", 7, sizeof(struct shmdev_hello)));
}

static bool use_mmap(FIXTURE_DATA(closing) *self)
{
	volatile char *view = map(VICTIM, page_bytes(), PROT_READ);

	if (view == MAP_FAILED)
		return went(-1);
	(void)*view;
	return !munmap((void *)view, page_bytes());
}

static bool use_poll(FIXTURE_DATA(closing) *self)
{
	struct pollfd file = { .fd = VICTIM, .events = POLLIN };

	return poll(&file, 1, 1) >= 0;
}

static bool use_epoll(FIXTURE_DATA(closing) *self)
{
	struct epoll_event event = { .events = EPOLLIN };
	int set = epoll_create1(EPOLL_CLOEXEC);
	bool fine = went(epoll_ctl(set, EPOLL_CTL_ADD, VICTIM, &event)) ||
		    errno == EPERM;

	fine = fine && epoll_wait(set, &event, 1, 1) >= 0;
	close(set);
	return fine;
}

static bool use_fdinfo(FIXTURE_DATA(closing) *self)
{
	char path[40], text[512];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", VICTIM);
	return read_file(path, text, sizeof(text)) >= 0 || errno == ENOENT;
}

FIXTURE_VARIANT_ADD(closing, version) { use_version };
FIXTURE_VARIANT_ADD(closing, create) { use_create };
FIXTURE_VARIANT_ADD(closing, open) { use_open };
FIXTURE_VARIANT_ADD(closing, remove) { use_remove };
FIXTURE_VARIANT_ADD(closing, list) { use_list };
FIXTURE_VARIANT_ADD(closing, info) { use_info };
FIXTURE_VARIANT_ADD(closing, mappings) { use_mappings };
FIXTURE_VARIANT_ADD(closing, kick) { use_kick };
FIXTURE_VARIANT_ADD(closing, look) { use_look };
FIXTURE_VARIANT_ADD(closing, wait) { use_wait };
FIXTURE_VARIANT_ADD(closing, wake) { use_wake };
FIXTURE_VARIANT_ADD(closing, join) { use_join };
FIXTURE_VARIANT_ADD(closing, leave) { use_leave };
FIXTURE_VARIANT_ADD(closing, peers) { use_peers };
FIXTURE_VARIANT_ADD(closing, read) { use_read };
FIXTURE_VARIANT_ADD(closing, write) { use_write };
FIXTURE_VARIANT_ADD(closing, mmap) { use_mmap };
FIXTURE_VARIANT_ADD(closing, poll) { use_poll };
FIXTURE_VARIANT_ADD(closing, epoll) { use_epoll };
FIXTURE_VARIANT_ADD(closing, fdinfo) { use_fdinfo };

FIXTURE_SETUP(closing)
{
	int i;

	self->door = open_door();
	ASSERT_LE(0, self->door);
	make_name(self->name, "closing");
	self->peers = peers_of(self->door);
	self->before = take_state(self->door);
	self->files[0] = open_door();
	self->files[1] = create(self->door, self->name, page_bytes(), 0600, 0,
				"hello");
	self->files[2] = create_anonymous(self->door, page_bytes());
	self->files[3] = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (i = 0; i < 3; i++) {
		self->ids[i] = id_of(self->files[i]);
		ASSERT_NE(0, self->ids[i]);
	}
	self->first_free = dup(0);
	close(self->first_free);
	self->handed_out = VICTIM;
}

FIXTURE_TEARDOWN(closing)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(self->files); i++)
		close(self->files[i]);
	/* Some were given away after their user had closed them. */
	syscall(SYS_close_range, self->first_free, ~0U, 0);
	remove_named(self->door, self->name);
	EXPECT_EQ(self->peers, peers_of(self->door));
	/* Kicks of the default segment were counted, for good, and so on. */
	self->before.digest = take_state(self->door).digest;
	expect_unchanged_soon(_metadata, self->door, &self->before);
	close(self->door);
}

struct closing_user {
	FIXTURE_DATA(closing) *closing;
	bool (*use)(FIXTURE_DATA(closing) *self);
};

static void uses(struct worker *self)
{
	struct closing_user *with = self->with;

	while (next_round(self))
		STORM_CHECK(self->storm, with->use(with->closing));
}

/* One that is reserved, but not handed out yet, cannot be given away: EBUSY. */
static void gives_away(struct worker *self, int fd)
{
	FIXTURE_DATA(closing) *closing = self->with;
	int file = closing->files[dice(self, ARRAY_SIZE(closing->files))];

	if (!dice(self, 4))
		close(fd);
	else
		STORM_CHECK(self->storm,
			    dup2(file, fd) == fd || errno == EBUSY);
}

static void gives_descriptors_away(struct worker *self)
{
	FIXTURE_DATA(closing) *closing = self->with;

	while (next_round(self)) {
		/* Those too that were given away after their user's close(). */
		if (closing->handed_out != VICTIM && !(self->rounds % 64))
			syscall(SYS_close_range, closing->first_free,
				VICTIM - 1, 0);
		gives_away(self, VICTIM);
		gives_away(self, __atomic_load_n(&closing->handed_out,
						 __ATOMIC_RELAXED));
	}
}

/* "the device": a call goes on with the file that it began with */
TEST_F_TIMEOUT(closing, or_replacing_a_file_in_use_does_no_harm, STORM_TIMEOUT)
{
	struct closing_user user = { self, variant->use };
	struct storm *storm = storm_begin(250);

	storm_thread(storm, uses, &user);
	storm_thread(storm, uses, &user);
	storm_thread(storm, gives_descriptors_away, self);
	storm_end(_metadata, storm);
}

TEST_HARNESS_MAIN

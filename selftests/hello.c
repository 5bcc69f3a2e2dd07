// SPDX-License-Identifier: GPL-2.0
/* Endpoint "hello", and what holds for kicks of every endpoint. */
#include <pthread.h>

#include "shmdev_test.h"

#define TEXT_SIZE sizeof(((struct shmdev_hello *)0)->request)

static __u32 crc_table[256];

static void __attribute__((constructor)) make_crc_table(void)
{
	__u32 byte, crc, bit;

	for (byte = 0; byte < 256; byte++) {
		crc = byte;
		for (bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320 : 0);
		crc_table[byte] = crc;
	}
}

/* Written here once more, so that no mistake of the kernel's is ours too. */
static __u32 crc_of(const void *data, size_t bytes)
{
	const unsigned char *byte = data;
	__u32 crc = ~0U;

	while (bytes--)
		crc = (crc >> 8) ^ crc_table[(crc ^ *byte++) & 0xff];
	return ~crc;
}

FIXTURE(hello) {
	struct target target;
	int fd;
	struct shmdev_hello *shared;
};

FIXTURE_VARIANT(hello) {
	enum kind kind;
};

FIXTURE_VARIANT_ADD(hello, default_segment) { DOOR };
FIXTURE_VARIANT_ADD(hello, user_created_segment) { SEGMENT };

FIXTURE_SETUP(hello)
{
	ASSERT_EQ(0xcbf43926, crc_of("123456789", 9)) TH_LOG("our own CRC");
	ASSERT_EQ(0, target_open(&self->target, variant->kind,
				 2 * page_bytes(), SHMDEV_HELLO_ENDPOINT));
	self->fd = self->target.fd;
	self->shared = map(self->fd, 2 * page_bytes(),
			   PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->shared);
}

FIXTURE_TEARDOWN(hello)
{
	munmap(self->shared, 2 * page_bytes());
	EXPECT_EQ(0, target_close(&self->target));
}

static void ask(struct shmdev_hello *shared, const void *text, size_t length)
{
	memset(shared->request, 0, sizeof(shared->request));
	memcpy(shared->request, text, length);
}

static void expect_answer(struct __test_metadata *_metadata,
			  const struct shmdev_hello *shared, const void *text,
			  size_t length)
{
	EXPECT_EQ(length, shared->answer.length);
	EXPECT_EQ(crc_of(text, length), shared->answer.crc32);
	EXPECT_EQ(0, memcmp(text, shared->answer.text, length));
	EXPECT_TRUE(all_bytes(shared->answer.text + length, 0,
			      TEXT_SIZE - length));
}

/* hello @greeting: written when the endpoint is attached */
TEST_F(hello, greeting_is_there_before_anything_is_asked)
{
	EXPECT_STREQ("Hello from kernel space", self->shared->greeting);
}

/* hello @answer: the text back, its length, its CRC-32 */
TEST_F(hello, kick_answers_with_what_was_written)
{
	const char text[] = "Hello from user space";

	ask(self->shared, text, strlen(text));
	ASSERT_EQ(0, kick(self->fd));
	expect_answer(_metadata, self->shared, text, strlen(text));
	EXPECT_STREQ("Hello from kernel space", self->shared->greeting);
	EXPECT_STREQ(text, self->shared->request);
}

/* hello @answer.count: kicks that were answered, this one included */
TEST_F(hello, count_goes_up_by_one)
{
	struct shmdev_info before, after;
	__u64 count;
	int i;

	ask(self->shared, "count", 5);
	ASSERT_EQ(0, info(self->fd, &before));
	ASSERT_EQ(0, kick(self->fd));
	count = self->shared->answer.count;
	if (variant->kind == SEGMENT)
		EXPECT_EQ(1, count);
	for (i = 1; i <= 5; i++) {
		ASSERT_EQ(0, kick(self->fd));
		EXPECT_EQ(count + i, self->shared->answer.count);
	}
	ASSERT_EQ(0, info(self->fd, &after));
	EXPECT_EQ(before.kicks + 6, after.kicks);
	EXPECT_EQ(before.events + 6, after.events);
}

/* hello @request: up to the first zero byte */
TEST_F(hello, request_ends_at_the_first_zero)
{
	ask(self->shared, "before\0behind", 13);
	ASSERT_EQ(0, kick(self->fd));
	expect_answer(_metadata, self->shared, "before", 6);
}

/* hello @request: or all */
TEST_F(hello, request_may_fill_its_array)
{
	char text[TEXT_SIZE];
	size_t i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = 1 + i % 255;
	ask(self->shared, text, sizeof(text));
	ASSERT_EQ(0, kick(self->fd));
	expect_answer(_metadata, self->shared, text, sizeof(text));
}

/* hello @answer.text: the rest of the array zero */
TEST_F(hello, shorter_answer_leaves_nothing_of_the_longer_one)
{
	ask(self->shared, "a long request", 14);
	ASSERT_EQ(0, kick(self->fd));
	ask(self->shared, "short", 5);
	ASSERT_EQ(0, kick(self->fd));
	expect_answer(_metadata, self->shared, "short", 5);
}

/* hello @request: nothing is a text as well */
TEST_F(hello, empty_request_is_answered)
{
	ask(self->shared, "", 0);
	ASSERT_EQ(0, kick(self->fd));
	expect_answer(_metadata, self->shared, "", 0);
}

/* KICK: read() and write() see the same, without any mapping */
TEST_F(hello, works_through_read_and_write)
{
	struct shmdev_hello hello;

	EXPECT_EQ(6, pwrite(self->fd, "files", 6,
			    offsetof(struct shmdev_hello, request)));
	ASSERT_EQ(0, kick(self->fd));
	EXPECT_EQ(sizeof(hello), pread(self->fd, &hello, sizeof(hello), 0));
	expect_answer(_metadata, &hello, "files", 5);
}

/* KICK: a struct with argument 0 and NULL instead of it are the same */
TEST_F(hello, kick_needs_no_struct)
{
	ask(self->shared, "struct", 6);
	ASSERT_EQ(0, kick_with(self->fd, 0));
	expect_answer(_metadata, self->shared, "struct", 6);
	ask(self->shared, "bare", 4);
	ASSERT_EQ(0, ioctl(self->fd, SHMDEV_IOC_KICK, NULL));
	expect_answer(_metadata, self->shared, "bare", 4);
	/* As the struct may become longer, so may the number. */
	ASSERT_EQ(0, ioctl(self->fd, _IOC(_IOC_WRITE, SHMDEV_IOC_MAGIC, 7, 99),
			   NULL));
}

/* hello: the kick's argument must be 0 (else EINVAL) */
TEST_F(hello, argument_is_einval)
{
	const __u64 arguments[] = { 1, 1ULL << 32, ~0ULL };
	struct shmdev_kick arg = { .size = sizeof(arg) };
	struct shmdev_hello before;
	struct shmdev_info now;
	__u64 events;
	size_t i;

	ask(self->shared, "unheard", 7);
	ASSERT_EQ(0, info(self->fd, &now));
	events = now.events;
	before = *self->shared;
	for (i = 0; i < ARRAY_SIZE(arguments); i++) {
		arg.argument = arguments[i];
		EXPECT_ERRNO(EINVAL, ioctl(self->fd, SHMDEV_IOC_KICK, &arg));
	}
	EXPECT_EQ(0, memcmp(&before, self->shared, sizeof(before)));
	ASSERT_EQ(0, info(self->fd, &now));
	EXPECT_EQ(events, now.events);
}

/* KICK: "errors", EBADF: the descriptor was not opened for writing */
TEST_F(hello, kick_of_a_read_only_file_is_ebadf)
{
	int reader = reopen(self->fd, O_RDONLY);
	int writer = reopen(self->fd, O_WRONLY);
	struct shmdev_hello before;

	ASSERT_LE(0, reader);
	ASSERT_LE(0, writer);
	ask(self->shared, "unheard", 7);
	before = *self->shared;
	EXPECT_ERRNO(EBADF, kick(reader));
	EXPECT_EQ(0, memcmp(&before, self->shared, sizeof(before)));
	EXPECT_EQ(0, kick(writer));
	expect_answer(_metadata, self->shared, "unheard", 7);
	close(reader);
	close(writer);
}

/* hello: only the kernel knows the count; what lies there is not believed */
TEST_F(hello, spoilt_answer_and_greeting_do_not_matter)
{
	__u64 count;

	ask(self->shared, "first", 5);
	ASSERT_EQ(0, kick(self->fd));
	count = self->shared->answer.count;
	memset(self->shared, 0xff, sizeof(*self->shared));
	ask(self->shared, "second", 6);
	ASSERT_EQ(0, kick(self->fd));
	expect_answer(_metadata, self->shared, "second", 6);
	EXPECT_EQ(count + 1, self->shared->answer.count);
}

/* hello: nothing but the answer is written */
TEST_F(hello, rest_of_the_segment_is_left_alone)
{
	char *rest = (char *)(self->shared + 1);
	size_t bytes = 2 * page_bytes() - sizeof(*self->shared);

	memset(rest, 0x77, bytes);
	ask(self->shared, "here only", 9);
	ASSERT_EQ(0, kick(self->fd));
	EXPECT_TRUE(all_bytes(rest, 0x77, bytes));
}

struct scribbler {
	struct shmdev_hello *shared;
	volatile bool stop;
};

/* Writes requests of all lengths, as fast as it can, and looks at nothing. */
static void *scribble(void *arg)
{
	struct scribbler *scribbler = arg;
	volatile char *request = scribbler->shared->request;
	unsigned int seed = 1;

	while (!scribbler->stop) {
		unsigned int at = rand_r(&seed) % TEXT_SIZE;

		request[at] = rand_r(&seed) % 4 ? 'a' + at % 26 : 0;
		request[rand_r(&seed) % TEXT_SIZE] = 'z';
		/* The first zero is soon among the first bytes, and decides. */
		request[at % 8] = at % 3 ? 'y' : 0;
	}
	return NULL;
}

/* hello @answer: length, CRC and text are of the same bytes, come what may */
TEST_F(hello, answer_is_consistent_while_the_request_changes)
{
	struct scribbler scribbler = { .shared = self->shared };
	struct shmdev_hello *shared = self->shared;
	const __u64 end = milliseconds() + 1000;
	unsigned int differences = 0;
	__u32 last = 0;
	pthread_t thread;

	ask(shared, "start", 5);
	ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, &scribbler));
	/* On one processor the other thread may have to be waited for. */
	while (milliseconds() < end || differences < 2) {
		size_t length;

		ASSERT_EQ(0, kick(self->fd));
		length = shared->answer.length;
		ASSERT_GE(TEXT_SIZE, length);
		ASSERT_EQ(length, strnlen(shared->answer.text, TEXT_SIZE));
		ASSERT_EQ(crc_of(shared->answer.text, length),
			  shared->answer.crc32);
		ASSERT_TRUE(all_bytes(shared->answer.text + length, 0,
				      TEXT_SIZE - length));
		differences += shared->answer.crc32 != last;
		last = shared->answer.crc32;
	}
	scribbler.stop = true;
	pthread_join(thread, NULL);
}

static void *kick_often(void *arg)
{
	int *fd = arg;
	int round;

	for (round = 0; round < 500; round++)
		if (kick(*fd))
			return NULL;
	return fd;
}

/* KICK: kicks of one segment are served one at a time */
TEST_F(hello, no_kick_is_lost_among_many)
{
	pthread_t threads[3];
	void *result;
	__u64 count;
	size_t i;

	ask(self->shared, "many", 4);
	ASSERT_EQ(0, kick(self->fd));
	count = self->shared->answer.count;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, kick_often,
					    &self->fd));
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], &result);
		EXPECT_EQ(&self->fd, result);
	}
	EXPECT_EQ(count + 1500, self->shared->answer.count);
	expect_answer(_metadata, self->shared, "many", 4);
}

/* CREATE @endpoint: zero but for what the endpoint writes there */
TEST(fresh_segment_has_the_greeting_and_nothing_else)
{
	const char greeting[] = SHMDEV_HELLO_GREETING;
	int door = open_door();
	int fd = create(door, NULL, page_bytes(), 0600, 0, "hello");
	struct shmdev_info about;
	char *view = map(fd, page_bytes(), PROT_READ);

	ASSERT_NE(MAP_FAILED, view);
	EXPECT_EQ(0, memcmp(greeting, view, sizeof(greeting)));
	EXPECT_TRUE(all_bytes(view + sizeof(greeting), 0,
			      page_bytes() - sizeof(greeting)));
	ASSERT_EQ(0, info(fd, &about));
	EXPECT_STREQ("hello", about.endpoint);
	EXPECT_EQ(0, about.kicks);
	EXPECT_EQ(0, about.events);
	munmap(view, page_bytes());
	close(fd);
	close(door);
}

/* "errors", ENOPROTOOPT: no endpoint of this name is registered */
TEST(unknown_endpoint_is_enoprotoopt)
{
	const char *const names[] = { "hell", "hello2", "Hello", "/", "\001" };
	char name[SHMDEV_NAME_SIZE];
	int door = open_door(), fd;
	struct state before = take_state(door);
	size_t i;

	make_name(name, "endpoint");
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(-1, create(door, name, page_bytes(), 0600,
				     SHMDEV_CREATE_F_KEEP, names[i]));
		EXPECT_TRUE(errno == ENOPROTOOPT || (i > 2 && errno == EINVAL))
			TH_LOG("%s: %s", names[i], strerror(errno));
	}
	expect_unchanged(_metadata, door, &before);
	fd = create_named(door, name, page_bytes());
	EXPECT_LE(0, fd);
	close(fd);
	close(door);
}

/* "errors", ENOTCONN: the segment has no endpoint */
TEST(kick_without_an_endpoint_is_enotconn)
{
	int door = open_door();
	int fd = create_anonymous(door, page_bytes());
	struct shmdev_info about;

	ASSERT_LE(0, fd);
	EXPECT_ERRNO(ENOTCONN, kick(fd));
	ASSERT_EQ(0, info(fd, &about));
	EXPECT_EQ(0, about.kicks);
	EXPECT_EQ(0, about.events);
	EXPECT_STREQ("", about.endpoint);
	close(fd);
	close(door);
}

/* hello: segments do not share a count */
TEST(each_segment_is_counted_for_itself)
{
	int door = open_door();
	int one = create(door, NULL, page_bytes(), 0600, 0, "hello");
	int two = create(door, NULL, 4 * MIB, 0600, 0, "hello");
	struct shmdev_hello hello;

	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	ASSERT_EQ(0, kick(one));
	ASSERT_EQ(0, kick(one));
	ASSERT_EQ(0, kick(two));
	EXPECT_EQ(sizeof(hello), pread(one, &hello, sizeof(hello), 0));
	EXPECT_EQ(2, hello.answer.count);
	EXPECT_EQ(sizeof(hello), pread(two, &hello, sizeof(hello), 0));
	EXPECT_EQ(1, hello.answer.count);
	close(one);
	close(two);
	close(door);
}

/* REMOVE: an endpoint serves a segment that has lost its name */
TEST(removed_segment_is_still_answered)
{
	int door = open_door(), fd;
	char name[SHMDEV_NAME_SIZE];
	struct shmdev_hello hello;

	make_name(name, "gone");
	fd = create(door, name, page_bytes(), 0600, SHMDEV_CREATE_F_KEEP,
		    "hello");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, remove_named(door, name));
	EXPECT_EQ(5, pwrite(fd, "there", 5,
			    offsetof(struct shmdev_hello, request)));
	EXPECT_EQ(0, kick(fd));
	EXPECT_EQ(sizeof(hello), pread(fd, &hello, sizeof(hello), 0));
	EXPECT_STREQ("there", hello.answer.text);
	close(fd);
	close(door);
}

TEST_HARNESS_MAIN

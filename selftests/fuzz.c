// SPDX-License-Identifier: GPL-2.0
/*
 * Short random programs of system calls on /dev/shmdev and on segment files.
 *
 * Each runs in a process of its own. It must end, no call may fail with what is
 * not documented for it or write where it should not, the kernel must have
 * nothing to say, and nothing may be left behind.
 *
 * Where the kernel has KCOV and the driver was built for it, a program that
 * reaches code that no other has reached is kept and varied further. Without
 * it the programs are variations of the corpus: what is in the tree was found
 * with it.
 *
 * A program is a text, a call a line, which says what differs from the call's
 * defaults; see the table in fuzz_calls.h, and corpus/.
 */
#include <getopt.h>

#include "fuzz_calls.h"

#define MAX_CALLS	20

struct program {
	unsigned int count;
	struct call calls[MAX_CALLS];
};

/*
 * Coverage. Places in the driver are numbered as they turn up.
 */

#define MAX_POINTS	4096
#define TEXT_BYTES	(1 << 20)
#define TRACE_WORDS	(1 << 14)
#define WORD_BITS	64

struct coverage {
	__u64 bits[MAX_POINTS / WORD_BITS];
};

/* As a 64-bit kernel has them; <linux/kcov.h> asks for the size of a long. */
#define KCOV_INIT	_IOR('c', 1, __u64)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_DISABLE	_IO('c', 101)

static int kcov = -1;
static __u64 *trace;
static __u64 text_start;
static __u16 numbers[TEXT_BYTES];
static __u32 points[MAX_POINTS];
static unsigned int point_count = 1;
static struct coverage reached;

static bool kcov_open(void)
{
	char text[32];

	if (read_file("/sys/module/shmdev/sections/.text", text,
		      sizeof(text)) < 0)
		return false;
	text_start = strtoull(text, NULL, 16);
	kcov = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (kcov < 0)
		return false;
	if (ioctl(kcov, KCOV_INIT, TRACE_WORDS))
		return false;
	trace = mmap(NULL, TRACE_WORDS * sizeof(*trace), PROT_READ | PROT_WRITE,
		     MAP_SHARED, kcov, 0);
	return trace != MAP_FAILED;
}

static void collect(struct coverage *coverage)
{
	__u64 i, offset;

	memset(coverage, 0, sizeof(*coverage));
	for (i = 1; kcov >= 0 && i <= trace[0]; i++) {
		offset = trace[i] - text_start;
		if (offset >= TEXT_BYTES)
			continue;
		if (!numbers[offset] && point_count < MAX_POINTS) {
			points[point_count] = offset;
			numbers[offset] = point_count++;
		}
		coverage->bits[numbers[offset] / WORD_BITS] |=
			1ULL << numbers[offset] % WORD_BITS;
	}
}

static unsigned int points_in(const struct coverage *coverage)
{
	unsigned int i, count = 0;

	for (i = 0; i < ARRAY_SIZE(coverage->bits); i++)
		count += __builtin_popcountll(coverage->bits[i]);
	return count;
}

/* What of @coverage is not in @known. */
static struct coverage news(const struct coverage *coverage,
			    const struct coverage *known)
{
	struct coverage result;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(result.bits); i++)
		result.bits[i] = coverage->bits[i] & ~known->bits[i];
	return result;
}

static void add(struct coverage *known, const struct coverage *coverage)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known->bits); i++)
		known->bits[i] |= coverage->bits[i];
}

/*
 * Programs as text.
 */

static const char *const *words_of(enum type type)
{
	return type == PLACE ? place_words : type == NAME ? name_words :
	       type == ENDPOINT ? endpoint_words : NULL;
}

static void print_value(FILE *out, enum type type, __u64 value)
{
	const char *const *words = words_of(type);
	unsigned int i;

	for (i = 0; words && words[i]; i++) {
		if (i == value) {
			fputs(words[i], out);
			return;
		}
	}
	if (type == MODE)
		fprintf(out, "0%llo", (unsigned long long)value);
	else
		fprintf(out, value < 65536 ? "%llu" : "0x%llx",
			(unsigned long long)value);
}

static void print_program(FILE *out, const struct program *program,
			  const char *before, const char *after)
{
	const struct call *call = program->calls;
	const struct field *field;
	int i;

	for (; call < program->calls + program->count; call++) {
		fprintf(out, "%s%s", before, call->operation->name);
		field = call->operation->fields;
		for (i = 0; field[i].name; i++) {
			if (call->arg[i] == field[i].initial)
				continue;
			fprintf(out, " %s=", field[i].name);
			print_value(out, field[i].type, call->arg[i]);
		}
		fputs(after, out);
	}
}

static void set_defaults(struct call *call, const struct operation *operation)
{
	int i;

	memset(call, 0, sizeof(*call));
	call->operation = operation;
	for (i = 0; operation->fields[i].name; i++)
		call->arg[i] = operation->fields[i].initial;
}

static bool parse_value(enum type type, const char *text, __u64 *value)
{
	const char *const *words = words_of(type);
	unsigned int i;
	char *end;

	for (i = 0; words && words[i]; i++) {
		if (!strcmp(words[i], text)) {
			*value = i;
			return true;
		}
	}
	*value = strtoull(text, &end, 0);
	return *text && !*end;
}

static bool parse_call(struct call *call, char *line)
{
	char *word = strtok(line, "\n "), *value;
	const struct field *field;
	unsigned int i;

	for (i = 0; strcmp(operations[i].name, word);)
		if (++i == ARRAY_SIZE(operations))
			return false;
	set_defaults(call, &operations[i]);
	while ((word = strtok(NULL, "\n "))) {
		value = strchr(word, '=');
		if (!value)
			return false;
		*value++ = '\0';
		field = call->operation->fields;
		for (i = 0; field[i].name && strcmp(field[i].name, word);)
			i++;
		if (!field[i].name ||
		    !parse_value(field[i].type, value, &call->arg[i]))
			return false;
	}
	return true;
}

static bool read_program(struct program *program, const char *path)
{
	char line[512], copy[512];
	FILE *file = fopen(path, "re");
	bool good = file;

	program->count = 0;
	while (good && fgets(line, sizeof(line), file)) {
		if (*line == '#' || *line == '\n')
			continue;
		strcpy(copy, line);
		good = program->count < MAX_CALLS &&
		       parse_call(&program->calls[program->count++], copy);
		if (!good)
			ksft_print_msg("%s: not a call: %s", path, line);
	}
	if (file)
		fclose(file);
	else
		ksft_print_msg("%s: %s\n", path, strerror(errno));
	return good;
}

/*
 * Running one.
 */

static int door, kmsg = -1;
static int segments_before, refcnt_before;
static __u32 peers_before;
static __u64 last_id_before;
static char limits_before[ARRAY_SIZE(limits)][32];
static unsigned long executions;

/* A wild program is to fail for want of memory before the machine does. */
static void set_limits(bool low)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		write_file(limits[i], limits_before[i]);
	if (low)
		write_file(PARAMETERS "max_user_bytes", FUZZ_USER_BYTES);
}

/* Nothing is left of a program but names that it kept; these go here. */
static void tidy_up(const struct program *program)
{
	static struct shmdev_info entries[256];
	unsigned int i;
	int count, j;

	for (i = 0; i < program->count; i++)
		if (program->calls[i].operation->run == run_limit)
			set_limits(true);

	/* Not by name: some names are random. */
	count = list(door, SHMDEV_LIST_F_EVERYWHERE, 0, entries,
		     ARRAY_SIZE(entries));
	for (j = 0; j < count; j++)
		if (entries[j].flags & SHMDEV_INFO_F_KEEP &&
		    entries[j].id > last_id_before)
			remove_id(door, entries[j].id);
	if (count > segments_before)
		count = list(door, SHMDEV_LIST_F_EVERYWHERE, 0, entries,
			     ARRAY_SIZE(entries));
	if (count != segments_before)
		complain("there were %d segments, now there are %d",
			 segments_before, count);
	if (module_refcnt() != refcnt_before)
		complain("the module had %d users, now it has %d",
			 refcnt_before, module_refcnt());
	/* Whoever joined the default segment has closed it. */
	if (peers_of(door) != peers_before)
		complain("there were %u peers, now there are %u",
			 peers_before, peers_of(door));
}

/* Should the kernel die, this is the last it has to say (panic_print=32). */
static void announce(const struct program *program)
{
	char text[960] = "<7>fuzz: ";
	FILE *out = fmemopen(text + 9, sizeof(text) - 9, "w");

	print_program(out, program, "", "; ");
	fclose(out);
	text[sizeof(text) - 1] = '\0';
	if (write(kmsg, text, strlen(text)) < 0)
		return;
}

/* Not what a busy host makes it say about clocks. */
static bool is_report(const char *record)
{
	static const char *const words[] = {
		"shmdev", "BUG", "WARNING", "KASAN", "KCSAN", "UBSAN", "Oops",
		"INFO: ", "refcount_t", "Bad page", "locking", "lock state",
		"RCU usage", "sleeping function",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(record, words[i]))
			return true;
	return false;
}

/* What the kernel reports now is about the program. */
static void hear_kernel(void)
{
	char record[8192], *text;
	ssize_t length;

	while ((length = read(kmsg, record, sizeof(record) - 1)) > 0 ||
	       (length < 0 && errno == EPIPE)) {
		if (length < 0)
			continue;
		record[length] = '\0';
		text = strchr(record, ';');
		/* Level and facility; the kernel's own is 0, a notice 5. */
		if (text && strtoul(record, NULL, 10) < 5 && is_report(text))
			complain("the kernel says: %s", text + 1);
	}
}

static void __attribute__((noreturn)) run_child(const struct program *program)
{
	unsigned int i;

	/* Dead by now, it hangs: none of the calls waits for long. */
	alarm(60);
	if (kcov >= 0 && ioctl(kcov, KCOV_ENABLE, 0))
		complain("KCOV: %s", strerror(errno));
	if (kcov >= 0)
		__atomic_store_n(&trace[0], 0, __ATOMIC_RELAXED);
	for (i = 0; i < program->count && !*complaint; i++) {
		run_call(&program->calls[i]);
		if (*complaint)
			complaint[COMPLAINT_SIZE] = i + 1;
	}
	/* Mappings are left to the end of the process. */
	drop_descriptors();
	if (kcov >= 0)
		ioctl(kcov, KCOV_DISABLE, 0);
	_exit(0);
}

/* Was all well? If not, @complaint says what was not. */
static bool run_program(const struct program *program,
			struct coverage *coverage)
{
	int status;
	pid_t pid;

	executions++;
	memset(complaint, 0, COMPLAINT_SIZE + 1);
	announce(program);
	pid = fork_child();
	if (!pid)
		run_child(program);
	status = reap(pid);
	if (status)
		complain(status == 128 + SIGALRM ? "it hangs" :
			 "it ends with status %d", status);
	collect(coverage);
	hear_kernel();
	tidy_up(program);
	return !*complaint;
}

static void report(const struct program *program)
{
	unsigned int call = complaint[COMPLAINT_SIZE];

	ksft_print_msg("%s%s%s\n", call ?
		       program->calls[call - 1].operation->name : "",
		       call ? ": " : "", complaint);
	print_program(stdout, program, "#   ", "\n");
}

/*
 * Making up programs.
 */

static __u64 seed = 1;

static __u64 rnd(void)
{
	__u64 x = seed += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static unsigned int below(unsigned int bound)
{
	return rnd() % bound;
}

/* Once in @n times. */
static bool rarely(unsigned int n)
{
	return !below(n);
}

static __u64 some_number(void)
{
	return rnd() >> below(WORD_BITS);
}

static __u64 some_bytes(void)
{
	static const __u64 sizes[] = {
		0, 1, 23, 4095, 4096, 4097, 8192, 12288, 65536, MIB, 2 * MIB,
		2 * MIB + 4096, 1ULL << 31, 1ULL << 32, 1ULL << 40, 1ULL << 44,
		1ULL << 51, 1ULL << 52, 1ULL << 63, -4096ULL, -1ULL,
		(1ULL << 63) - 4096, (1ULL << 63) - 1,
	};
	__u64 bytes = sizes[below(ARRAY_SIZE(sizes))];

	return rarely(8) ? some_number() : rarely(8) ? bytes - 4096 : bytes;
}

static __u64 some_size(__u64 now)
{
	const __u64 sizes[] = {
		now - 1, now + 1, now + 8, now - 8, 0, 4, 8, 256, 4096, 4097,
		-1U
	};

	return sizes[below(ARRAY_SIZE(sizes))];
}

static __u64 some_command(void)
{
	static const __u32 commands[] = {
		FIBMAP, FIGETBSZ, FIONREAD, FIOQSIZE, FS_IOC_FIEMAP, FICLONE,
		FIDEDUPERANGE, FS_IOC_GETFLAGS, FS_IOC_GETVERSION,
		/* XFS' for fallocate(), which the VFS serves on any file. */
		_IOC(_IOC_WRITE, 'X', 40, 48), _IOC(_IOC_WRITE, 'X', 41, 48),
		_IOC(_IOC_WRITE, 'X', 57, 48),
	};

	if (rarely(3))
		return commands[below(ARRAY_SIZE(commands))];
	if (rarely(4))
		return rnd();
	return _IOC(below(4), SHMDEV_IOC_MAGIC, below(16), below(256));
}

static __u64 some_value(const struct field *field, __u64 now,
			const struct operation *operation)
{
	static const __u64 modes[] = { 0, 0200, 0400, 0600, 0644, 0777, 01000 };
	const char *const *words = words_of(field->type);
	unsigned int count = 0;

	while (words && words[count])
		count++;
	if (words)
		return below(count);
	if (rarely(4))
		return field->initial;
	switch (field->type) {
	case FD:
	case MAP:
		return below(4);
	case COMMAND:
		if (!operation->cmd)
			return some_command();
		/* The size is no part of what a command is. */
		return rarely(2) ? below(256) << _IOC_SIZESHIFT :
				   1ULL << below(32);
	case SIZE:
		return some_size(rarely(2) ? field->initial : now);
	case BYTES:
		return some_bytes();
	case FLAGS:
		return now ^ 1ULL << below(rarely(2) ? 4 : 32);
	case MODE:
		return modes[below(ARRAY_SIZE(modes))];
	case ID:
		return rarely(8) ? some_number() : below(5);
	default:
		return rarely(3) ? some_number() : below(32);
	}
}

static void vary_call(struct call *call)
{
	const struct field *field = call->operation->fields;
	unsigned int count = 0, i;

	while (field[count].name)
		count++;
	if (!count)
		return;
	i = below(count);
	call->arg[i] = some_value(&field[i], call->arg[i], call->operation);
}

static void some_call(struct call *call)
{
	int i;

	set_defaults(call, &operations[below(rarely(2) ? COMMAND_COUNT :
					     ARRAY_SIZE(operations))]);
	for (i = below(4); i > 0; i--)
		vary_call(call);
	/* A raw ioctl is nothing without a number. */
	if (call->operation->run == run_command && !call->operation->cmd)
		call->arg[AT_COMMAND] = some_command();
}

static void insert_call(struct program *program)
{
	unsigned int at = below(program->count + 1);

	if (program->count == MAX_CALLS)
		return;
	memmove(&program->calls[at + 1], &program->calls[at],
		(program->count - at) * sizeof(struct call));
	program->count++;
	if (at && rarely(6))
		program->calls[at] = program->calls[below(at)];
	else
		some_call(&program->calls[at]);
}

static void remove_call(struct program *program, unsigned int at)
{
	program->count--;
	memmove(&program->calls[at], &program->calls[at + 1],
		(program->count - at) * sizeof(struct call));
}

/* The calls of another one, from somewhere on, take the place of the last. */
static void cross(struct program *program, const struct program *other)
{
	unsigned int keep = below(program->count + 1);
	unsigned int from = below(other->count), count = other->count - from;

	if (count > MAX_CALLS - keep)
		count = MAX_CALLS - keep;
	memcpy(&program->calls[keep], &other->calls[from],
	       count * sizeof(struct call));
	program->count = keep + count;
}

static void vary(struct program *program, const struct program *other)
{
	do {
		switch (below(8)) {
		case 0:
			if (program->count > 1)
				remove_call(program, below(program->count));
			break;
		case 1:
			cross(program, other);
			break;
		case 2:
		case 3:
			insert_call(program);
			break;
		default:
			vary_call(&program->calls[below(program->count)]);
		}
	} while (!rarely(3));
}

/*
 * The corpus.
 */

static struct kept {
	struct program program;
	struct coverage coverage;
} *corpus;
static unsigned int corpus_size;

static void keep(const struct program *program, const struct coverage *coverage)
{
	corpus = realloc(corpus, (corpus_size + 1) * sizeof(*corpus));
	if (!corpus)
		ksft_exit_fail_msg("no memory for the corpus\n");
	corpus[corpus_size].program = *program;
	corpus[corpus_size++].coverage = *coverage;
	add(&reached, coverage);
}

static int is_program(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* In the order of their names: a run is to be the same everywhere. */
static bool replay_all(const char *directory)
{
	struct coverage coverage;
	struct program program;
	struct dirent **entries;
	char path[PATH_MAX];
	bool good = true;
	int count, i;

	count = scandir(directory, &entries, is_program, alphasort);
	if (count <= 0) {
		ksft_print_msg("there is no corpus in %s\n", directory);
		return false;
	}
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory,
			 entries[i]->d_name);
		free(entries[i]);
		if (!read_program(&program, path)) {
			good = false;
			continue;
		}
		if (!run_program(&program, &coverage)) {
			ksft_print_msg("%s:\n", path);
			report(&program);
			good = false;
		}
		if (program.count)
			keep(&program, &coverage);
	}
	free(entries);
	return good && corpus_size;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* Until so many were run, or so much time has passed, or one went wrong. */
static bool fuzz(unsigned long count, double seconds)
{
	double start = now();
	struct coverage coverage, new;
	struct program program;
	unsigned long done;
	bool good = true;

	for (done = 0; good && (seconds ? now() - start < seconds :
				done < count); done++) {
		/* What was found last leads on most likely. */
		program = corpus[rarely(3) && corpus_size > 16 ?
				 corpus_size - 1 - below(16) :
				 below(corpus_size)].program;
		vary(&program, &corpus[below(corpus_size)].program);
		if (!program.count)
			continue;
		good = run_program(&program, &coverage);
		if (!good) {
			ksft_print_msg("the program made up as %lu:\n", done);
			report(&program);
		}
		new = news(&coverage, &reached);
		if (good && points_in(&new))
			keep(&program, &coverage);
	}
	ksft_print_msg("%lu programs, %.0f a second\n", done,
		       done / (now() - start));
	return good;
}

/* Does @program still reach all of @wanted? */
static bool reaches(const struct program *program,
		    const struct coverage *wanted)
{
	struct coverage coverage, missed;

	if (!run_program(program, &coverage))
		return false;
	missed = news(wanted, &coverage);
	return !points_in(&missed);
}

/* Takes away all that it does not need for @wanted. */
static void shrink(struct program *program, const struct coverage *wanted)
{
	const struct operation *operation;
	struct program less;
	unsigned int i, j;

	for (i = program->count; i-- > 0 && program->count > 1;) {
		less = *program;
		remove_call(&less, i);
		if (reaches(&less, wanted))
			*program = less;
	}
	for (i = 0; i < program->count; i++) {
		operation = program->calls[i].operation;
		for (j = 0; operation->fields[j].name; j++) {
			less = *program;
			less.calls[i].arg[j] = operation->fields[j].initial;
			if (less.calls[i].arg[j] != program->calls[i].arg[j] &&
			    reaches(&less, wanted))
				*program = less;
		}
	}
}

/* Of the corpus as few programs as reach all, each as short as it can be. */
static void save(const char *directory)
{
	struct coverage saved = {}, new;
	unsigned int i, best, gain, files = 0;
	char path[PATH_MAX];
	FILE *out;

	mkdir(directory, 0777);
	for (;;) {
		for (i = best = gain = 0; i < corpus_size; i++) {
			new = news(&corpus[i].coverage, &saved);
			if (points_in(&new) > gain) {
				gain = points_in(&new);
				best = i;
			}
		}
		if (!gain)
			break;
		new = news(&corpus[best].coverage, &saved);
		add(&saved, &corpus[best].coverage);
		/* What comes by chance, such as a race, is not to be had. */
		if (!reaches(&corpus[best].program, &new))
			continue;
		shrink(&corpus[best].program, &new);
		snprintf(path, sizeof(path), "%s/%02u", directory, ++files);
		out = fopen(path, "we");
		if (!out)
			ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
		fprintf(out, "# %s: GPL-2.0\n", "SPDX-License-Identifier");
		print_program(out, &corpus[best].program, "", "\n");
		fclose(out);
	}
	ksft_print_msg("%u programs saved in %s\n", files, directory);
}

static void save_points(const char *path)
{
	FILE *out = fopen(path, "we");
	unsigned int i;

	if (!out)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	for (i = 1; i < point_count; i++)
		fprintf(out, "%#x\n", points[i]);
	fclose(out);
}

/*
 * Single commands, without the ceremony around a program: @count of them, each
 * on one of four files.
 */
static bool fuzz_ioctls(unsigned long count)
{
	struct program program = { .count = 1 };
	double start = now();
	unsigned long i;

	for (i = 0; i < count && !*complaint; i++) {
		if (!fd_count) {
			add_fd(open_door());
			add_fd(open(DEVICE, O_RDONLY | O_CLOEXEC));
			add_fd(create_anonymous(door, 4096));
			add_fd(create(door, NULL, 4096, 0600, 0, "hello"));
		}
		set_defaults(program.calls, &operations[below(COMMAND_COUNT)]);
		do {
			vary_call(program.calls);
		} while (!rarely(3));
		run_call(program.calls);
		if (i % 64 == 63 || fd_count == SLOTS) {
			drop_descriptors();
			hear_kernel();
			tidy_up(&program);
		}
	}
	if (*complaint)
		report(&program);
	drop_descriptors();
	tidy_up(&program);
	ksft_print_msg("%lu ioctls, %.0f a second\n", i, i / (now() - start));
	return !*complaint;
}

static void get_ready(void)
{
	struct shmdev_info *entries;
	int i;

	run_id = getpid();
	door = open_door();
	complaint = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* After all other memory, see there. */
	reserve_regions();
	refcnt_before = module_refcnt();
	peers_before = peers_of(door);
	entries = (void *)data.start;
	segments_before = list(door, SHMDEV_LIST_F_EVERYWHERE, 0, entries, 256);
	if (segments_before > 0)
		last_id_before = entries[segments_before - 1].id;
	for (i = 0; i < ARRAY_SIZE(limits); i++)
		if (read_file(limits[i], limits_before[i],
			      sizeof(*limits_before)) < 0)
			ksft_exit_fail_msg("%s: %s\n", limits[i],
					   strerror(errno));
	set_limits(true);
	kmsg = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0)
		ksft_exit_fail_msg("/dev/kmsg: %s\n", strerror(errno));
	lseek(kmsg, 0, SEEK_END);
	/* Every program shall be in the log, not ten of them in five seconds. */
	write_file("/proc/sys/kernel/printk_devkmsg", "on\n");
}

static bool leftovers(const struct state *before)
{
	struct state now = take_state(door);

	ksft_print_msg("segments %d, descriptors %d, users of the module %d\n",
		       now.segments, now.fds, now.refcnt);
	return now.segments != before->segments || now.fds != before->fds ||
	       now.refcnt != before->refcnt;
}

static void help(FILE *out)
{
	fputs("usage: fuzz [OPTION]...\n"
	      "Runs the programs of a corpus, then variations of them.\n"
	      "  --corpus DIR   the corpus (default: corpus)\n"
	      "  --seed N       where the random numbers begin (default: 1)\n"
	      "  --count N      how many variations (default: 1000), or\n"
	      "  --seconds N    for how long\n"
	      "  --save DIR     leave as few programs as reach all that was reached\n"
	      "  --points FILE  leave the offsets in .text that were reached\n"
	      "  --replay FILE  run this one program and no other\n"
	      "  --ioctls N     run so many single commands and nothing else\n",
	      out);
}

static const struct option options[] = {
	{ "corpus", required_argument, NULL, 'c' },
	{ "seed", required_argument, NULL, 's' },
	{ "count", required_argument, NULL, 'n' },
	{ "seconds", required_argument, NULL, 't' },
	{ "save", required_argument, NULL, 'd' },
	{ "points", required_argument, NULL, 'p' },
	{ "replay", required_argument, NULL, 'r' },
	{ "ioctls", required_argument, NULL, 'i' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static bool replay(const char *path)
{
	struct coverage coverage;
	struct program program;
	bool good = read_program(&program, path) &&
		    run_program(&program, &coverage);

	if (*complaint)
		report(&program);
	return good;
}

int main(int argc, char **argv)
{
	const char *directory = "corpus", *file = NULL, *save_to = NULL;
	const char *points_to = NULL;
	unsigned long count = 1000, ioctls = 0;
	double seconds = 0;
	struct state before;
	unsigned int found;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			directory = optarg;
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			count = strtoul(optarg, NULL, 0);
			break;
		case 't':
			seconds = strtod(optarg, NULL);
			break;
		case 'd':
			save_to = optarg;
			break;
		case 'p':
			points_to = optarg;
			break;
		case 'r':
			file = optarg;
			break;
		case 'i':
			ioctls = strtoul(optarg, NULL, 0);
			break;
		case 'h':
			help(stdout);
			return 0;
		default:
			help(stderr);
			return 2;
		}
	}

	setvbuf(stdout, NULL, _IOLBF, 0);
	ksft_print_header();
	ksft_print_msg("seed %llu\n", (unsigned long long)seed);
	if (!kcov_open())
		ksft_print_msg("no KCOV here: nothing guides the variations\n");
	get_ready();
	before = take_state(door);
	ksft_set_plan(file || ioctls ? 2 : 3);

	if (file) {
		ksft_test_result(replay(file), "replay\n");
	} else if (ioctls) {
		ksft_test_result(fuzz_ioctls(ioctls), "ioctls\n");
	} else {
		ksft_test_result(replay_all(directory), "corpus\n");
		found = corpus_size;
		ksft_print_msg("%u programs reach %u points of the driver\n",
			       found, points_in(&reached));
		ksft_test_result(corpus_size && fuzz(count, seconds),
				 "variations\n");
		ksft_print_msg("%u more, %u points in all\n",
			       corpus_size - found, points_in(&reached));
		if (save_to)
			save(save_to);
		if (points_to)
			save_points(points_to);
	}

	set_limits(false);
	ksft_test_result(!leftovers(&before), "nothing is left\n");
	ksft_finished();
}

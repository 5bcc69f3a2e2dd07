// SPDX-License-Identifier: GPL-2.0-only
/*
 * What rings and their like cost between two processors of this machine, in
 * lines of: what, who, bytes of a record, unit, value, mode, repetition.
 *
 * Each repetition measures everything once, so that two figures of one
 * repetition are of the same minute; it is the ratios of those that mean
 * something.
 */
#include <err.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"

#define SIZES_MAX 8

static size_t wanted_sizes[SIZES_MAX + 1] = { 8, 64, 256, 1024, 4096 };
const size_t *sizes = wanted_sizes;
static const char *only = "*";
static unsigned long repetition;
static FILE *out;

void tell(const char *what, const char *who, size_t bytes, const char *unit,
	  double value, const char *mode)
{
	fprintf(out, "%s\t%s\t%zu\t%s\t%.6g\t%s\t%lu\n", what, who, bytes, unit,
		value, mode, repetition);
	fflush(out);
}

bool is_wanted(const char *what, const char *who)
{
	return !fnmatch(only, what, 0) || !fnmatch(only, who, 0);
}

struct side side_join(const struct transport *transport, void *shared,
		      size_t bytes, enum transport_role role)
{
	struct side side = {
		.state = shared,
		.bytes = bytes,
		.buffer = aligned_alloc(LINE_BYTES, RECORD_MAX),
	};

	if (!side.buffer)
		err(1, "no memory");
	memset(side.buffer, 0x5a, RECORD_MAX);
	if (transport->join)
		side.state = transport->join(shared, bytes, role);
	return side;
}

void side_leave(const struct transport *transport, struct side *side,
		enum transport_role role)
{
	if (transport->leave)
		transport->leave(side->state, role);
	free(side->buffer);
}

/* Found out once: the same number of records in all repetitions. */
static struct {
	const char *what;
	const void *who;
	size_t bytes;
	uint64_t count;
} counts[512];
static size_t counts_known;

uint64_t count_for(const char *what, const void *who, size_t bytes)
{
	for (size_t i = 0; i < counts_known; i++)
		if (!strcmp(counts[i].what, what) && counts[i].who == who &&
		    counts[i].bytes == bytes)
			return counts[i].count;
	return 0;
}

void set_count_for(const char *what, const void *who, size_t bytes,
		   uint64_t count, uint64_t ns)
{
	double fits = (double)count * RUN_NS / (double)(ns ?: 1);

	if (counts_known == sizeof(counts) / sizeof(*counts))
		errx(1, "too many measurements");
	counts[counts_known].what = what;
	counts[counts_known].who = who;
	counts[counts_known].bytes = bytes;
	counts[counts_known++].count = fits < 100 ? 100 : (uint64_t)fits;
}

static void tell_machine(void)
{
	struct utsname system;
	char line[256];
	FILE *cpus = fopen("/proc/cpuinfo", "re");

	uname(&system);
	fprintf(out, "# %s %s\n", system.sysname, system.release);
	while (cpus && fgets(line, sizeof(line), cpus))
		if (!strncmp(line, "model name", 10)) {
			fprintf(out, "# %s", line);
			break;
		}
	if (cpus)
		fclose(cpus);
	fprintf(out, "# %ld processors\n", sysconf(_SC_NPROCESSORS_ONLN));
}

/* An absent peer is not one that was beaten. */
static void tell_absent(void)
{
	for (const struct transport *const *t = transports; *t; t++)
		if ((*t)->absent) {
			warnx("%s does not take part: it needs %s", (*t)->name,
			      (*t)->absent);
			fprintf(out, "# absent: %s (%s)\n", (*t)->name,
				(*t)->absent);
		}
}

static void list(void)
{
	for (const struct transport *const *t = transports; *t; t++)
		printf("%-30s %s\n", (*t)->name,
		       (*t)->absent ? "absent" : (*t)->copies);
}

static void print_usage(FILE *to)
{
	fputs("usage: native [--reps N] [--sizes BYTES,...] [--only PATTERN]\n"
	      "              [--cpus A,B] [--out FILE] [--list]\n"
	      "\n"
	      "Measures rings between two processors. Prints lines of: what,\n"
	      "who, bytes, unit, value, mode, repetition.\n"
	      "  -r, --reps N         so many repetitions (5)\n"
	      "  -s, --sizes LIST     of records: of 8,64,256,1024,4096\n"
	      "  -o, --only PATTERN   what or who matches, as a shell does it\n"
	      "  -c, --cpus A,B       on these; not on the first two\n"
	      "  -O, --out FILE       there, not to standard output\n"
	      "  -l, --list           who takes part, and what they copy\n",
	      to);
}

static unsigned long parse_number(const char *text, char **end)
{
	unsigned long value = strtoul(text, end, 10);

	if (*end == text)
		errx(2, "'%s' is no number", text);
	return value;
}

/* Those that the queues of C++ were compiled for. */
static void choose_sizes(char *text)
{
	size_t count = 0;
	char *end;

	for (;;) {
		size_t bytes = parse_number(text, &end);

		if (bytes != 8 && bytes != 64 && bytes != 256 &&
		    bytes != 1024 && bytes != 4096)
			errx(2, "there is no size %zu, see --help", bytes);
		if (count == SIZES_MAX)
			errx(2, "too many sizes");
		wanted_sizes[count++] = bytes;
		if (*end != ',')
			break;
		text = end + 1;
	}
	if (*end)
		errx(2, "'%s' is no list of sizes", end);
	wanted_sizes[count] = 0;
}

static void choose_cpus(const char *text)
{
	char *end;
	unsigned long first = parse_number(text, &end), second;

	if (*end != ',')
		errx(2, "--cpus needs two");
	second = parse_number(end + 1, &end);
	if (*end || !pair_choose_cpus((int)first, (int)second))
		errx(2, "--cpus needs two different ones");
}

static void measure_all(void)
{
	measure_one_way();
	measure_round_trips();
	measure_sleeping();
	measure_latency();
	measure_idle();
	measure_two_producers();
	measure_readers();
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "reps", required_argument, NULL, 'r' },
		{ "sizes", required_argument, NULL, 's' },
		{ "only", required_argument, NULL, 'o' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "out", required_argument, NULL, 'O' },
		{ "list", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	unsigned long repetitions = 5;
	const char *cpus = NULL;
	char *end;
	int option;

	out = stdout;
	while ((option = getopt_long(argc, argv, "r:s:o:c:O:lh", options,
				     NULL)) != -1) {
		switch (option) {
		case 'r':
			repetitions = parse_number(optarg, &end);
			break;
		case 's':
			choose_sizes(optarg);
			break;
		case 'o':
			only = optarg;
			break;
		case 'c':
			cpus = optarg;
			break;
		case 'O':
			out = fopen(optarg, "we");
			if (!out)
				err(1, "%s", optarg);
			break;
		case 'l':
			list();
			return 0;
		case 'h':
			print_usage(stdout);
			return 0;
		default:
			print_usage(stderr);
			return 2;
		}
	}
	if (optind != argc) {
		print_usage(stderr);
		return 2;
	}
	if (cpus)
		choose_cpus(cpus);
	else if (!pair_choose_cpus(-1, -1))
		errx(1, "this needs two processors");
	tell_machine();
	tell_absent();
	verify_all();
	for (repetition = 1; repetition <= repetitions; repetition++)
		measure_all();
	if (fclose(out))
		err(1, "the figures could not be written");
	return 0;
}

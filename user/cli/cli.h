/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the verbs of the shmdev tool share. Each verb is a file that ends with
 * its struct verb; shmdev.c has the table of them.
 *
 * A function that returns a status returns what the tool exits with, and has
 * then told the user why. Messages say what is wrong; what to do.
 */
#ifndef SHMDEV_CLI_H
#define SHMDEV_CLI_H

#include <getopt.h>
#include <linux/shmdev_ring.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#include "shmdev-ring.h"
#include "shmdev.h"

/* Documented in shmdev(1), for scripts to rely on. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,	/* the operation failed */
	STATUS_USAGE = 2,	/* the command line makes no sense */
	STATUS_ABSENT = 3,	/* the module or the device is not there */
	STATUS_DENIED = 4,	/* the user may not do this */
	STATUS_TIMEOUT = 5,	/* what was waited for did not come in time */
	STATUS_LOST = 6,	/* all is well, but for records that were lost */
};

#define DEVICE_PATH "/dev/shmdev"
#define PARAMETERS "/sys/module/shmdev/parameters/"

struct verb {
	const char *name;
	const char *arguments;	/* as in the usage line */
	const char *summary;	/* one line, without a full stop */
	const char *help;	/* the options, a line each, and more */
	const struct table *table;	/* its columns belong to the help */
	int (*run)(int argc, char **argv);
};

/* main: options that all verbs have end each verb's array of options. */
enum {
	OPTION_DEVICE = 0x100,
	OPTION_HELP,
	OPTION_OF_VERB,		/* the first number for a verb's own use */
};

#define COMMON_OPTIONS \
	{ "device", required_argument, NULL, OPTION_DEVICE }, \
	{ "help", no_argument, NULL, OPTION_HELP }, \
	{ }

/* As getopt_long(), serving the common options, --help and mistakes itself. */
int next_option(int argc, char **argv, const char *shorts,
		const struct option *longs);
const char *verb_name(void);
const char *device_path(void);

/* report */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
int device_failure(int error);
/* @doing: such as "open"; @name: NULL for the default segment. */
int segment_failure(const char *doing, const char *name, int error);
int output_failure(int error);
/*
 * Text of others, which must not steer the terminal: unprintable bytes as \xNN.
 * Returns the columns of a terminal that it takes.
 */
size_t print_text(FILE *to, const char *text);

/* beside */
/*
 * What lies at this path, seen from the folder that this tool is in; NULL if
 * there is nothing. The caller frees it.
 */
char *find_beside(const char *relative);

/* connect */
int connect_device(int flags, struct shmdev_device **device);
/* @name: NULL for the default segment. */
int connect_segment(const char *name, int flags,
		    struct shmdev_segment **segment);
/*
 * With either access, whichever the mode allows: enough to look at a segment and
 * to change its mode. @name as above; 0 or -errno, and nothing is said.
 */
int connect_segment_somehow(const struct shmdev_device *device,
			    const char *name, struct shmdev_segment **segment);

/* size */
/* Digits, or 0x and hexadecimal digits. -EINVAL, -ERANGE. */
int parse_number(const char *text, uint64_t *number);
/* A number with K, M, G or T, or KiB to TiB. -EINVAL, -ERANGE. */
int parse_bytes(const char *text, uint64_t *bytes);
/* As parse_bytes(), telling the user what is wrong with @what. */
int bytes_argument(const char *what, const char *text, uint64_t *bytes);
int number_argument(const char *what, const char *text, uint64_t *number);
int mode_argument(const char *text, mode_t *mode);
void print_bytes(FILE *to, uint64_t bytes);
/* Not rounded, as it is for people: 1028K, where that prints 1M. */
#define EXACT_BYTES_SIZE 24
void exact_bytes(uint64_t bytes, char text[EXACT_BYTES_SIZE]);

/* time */
/* Seconds, perhaps with a fraction; tells the user what is wrong with @what. */
int seconds_argument(const char *what, const char *text, struct timespec *time);
/* The same, and nothing is said. -EINVAL. */
int parse_seconds(const char *text, struct timespec *time);
/* A time of CLOCK_MONOTONIC. */
struct timespec time_from_now(const struct timespec *after);
void sleep_until(const struct timespec *time);
double seconds_between(const struct timespec *from, const struct timespec *to);
/*
 * ISO 8601, which people and programs can read, without a blank; from
 * nanoseconds since the epoch.
 */
void print_time(FILE *to, uint64_t nanoseconds);

/* table */
enum column_kind {
	COLUMN_U64,
	COLUMN_U32,
	COLUMN_BYTES,	/* an uint64_t; for people 64M, else 67108864 */
	COLUMN_TENTHS,	/* a double */
	COLUMN_STRING,	/* an array of char */
	COLUMN_PRINT,	/* what print() prints */
	COLUMN_NUMBER,	/* a number that print() prints, or nothing */
};

struct column {
	const char *name;
	const char *help;
	enum column_kind kind;
	size_t offset;	/* of the value in the row, but where print() is */
	void (*print)(FILE *to, const void *row, bool for_people);
	bool (*is_there)(const void *row);	/* else it is empty; or NULL */
};

struct table {
	const char *name;	/* the key in JSON */
	const struct column *columns;
	size_t column_count;
	const char *default_columns;
	size_t row_size;
};

struct table_options {
	const char *columns;
	bool json;
	bool raw;
	bool noheadings;
	bool bytes;
};

#define TABLE_SHORT_OPTIONS "o:Jrnb"
#define TABLE_OPTIONS \
	{ "output", required_argument, NULL, 'o' }, \
	{ "json", no_argument, NULL, 'J' }, \
	{ "raw", no_argument, NULL, 'r' }, \
	{ "noheadings", no_argument, NULL, 'n' }, \
	{ "bytes", no_argument, NULL, 'b' }
#define TABLE_HELP \
	"  -o, --output LIST    columns to show, or all\n" \
	"  -J, --json           write JSON\n" \
	"  -r, --raw            columns are not aligned\n" \
	"  -n, --noheadings     no line of headings\n" \
	"  -b, --bytes          sizes in bytes, not as 64M\n"

/* Takes @option if it is one of TABLE_OPTIONS. */
bool table_option(struct table_options *options, int option);
/* A line for each of the @count rows; a status. */
int table_print(const struct table *table, const struct table_options *options,
		const void *rows, size_t count);
/* For people, a line for each column of each row; else as table_print(). */
int table_print_cards(const struct table *table,
		      const struct table_options *options, const void *rows,
		      size_t count);
void table_help(const struct table *table);
/* The columns that @options name, in an array to be freed; a status. */
int table_columns(const struct table *table,
		  const struct table_options *options,
		  const struct column ***columns, size_t *count);
/*
 * A copy of the rows, to be freed: those with the largest number in this column
 * first, or the first word, those with nothing in it last, and equal ones as
 * they were. NULL: no memory.
 */
void *table_sorted(const struct table *table, const struct column *by,
		   bool reverse, const void *rows, size_t count);
/*
 * What people see, to be freed: for a screen so wide, to which words are cut,
 * and if that is not enough, it is wider. NULL: no memory.
 */
char *table_text(const struct table *table, const struct column *const *columns,
		 size_t column_count, const struct table_options *options,
		 const void *rows, size_t count, size_t width);

/* segments: rows of struct shmdev_segment_info */
extern const struct table segments_table;
/* @row: what begins with one of these */
void print_segment_name(FILE *to, const void *row, bool for_people);

/* listing */
/* What each row begins with. */
struct listed {
	uint64_t id;
	char segment[SHMDEV_SEGMENT_NAME_SIZE];	/* empty: the default one */
};

struct listing;

/* Adds a row for each thing found in @segment; 0 or -errno. */
typedef int listing_fn(struct listing *listing,
		       const struct shmdev_segment *segment);

/* The new rows, zero but for what they begin with; NULL: no memory. */
void *listing_add(struct listing *listing, size_t count);
/* Runs a verb that takes TABLE_OPTIONS and names, or none for all segments. */
int listing_run(int argc, char **argv, const struct table *table,
		listing_fn *list);
void print_listed_segment(FILE *to, const void *row, bool for_people);

/* identity: users and groups by name, or by number if they have none */
void print_user(FILE *to, uid_t uid);
void print_group(FILE *to, gid_t gid);

/* progress: a line on a terminal while a transfer takes long */
struct progress;
struct progress *progress_begin(uint64_t total);	/* 0: not known */
void progress_at(struct progress *progress, uint64_t done);
void progress_end(struct progress *progress);

/* transfer */
struct range {
	uint64_t offset;
	uint64_t bytes;
};

/* What a transfer uses to copy; a multiple of everything. */
#define TRANSFER_BYTES (1 << 20)

/* Goes over @range with a @buffer of TRANSFER_BYTES; a status. */
typedef int transfer_fn(const struct shmdev_segment *segment, const char *name,
			struct range *range, char *buffer);

/* Runs a verb that takes --offset, --length and perhaps a name. */
int transfer_run(int argc, char **argv, const struct option *options,
		 int flags, transfer_fn *transfer);
/* Fills @buffer with what comes next in @range, which moves on. */
int range_read(const struct shmdev_segment *segment, struct range *range,
	       void *buffer, size_t *got);

/* word: a 32-bit one, that somebody waits for */
/* What follows the options: perhaps a name (else NULL), and an offset. */
int word_arguments(int argc, char **argv, const char **name, uint64_t *offset);
/* As number_argument(), for 32 bits. */
int word_argument(const char *what, const char *text, uint32_t *value);
/* Whether there is such a word; a status. */
int word_check(const struct shmdev_segment *segment, uint64_t offset);
/* 0 or -errno. */
int word_map(const struct shmdev_segment *segment, uint64_t offset,
	     int protection, uint32_t **word);
void word_unmap(uint32_t *word);

/* ring */
/* The one argument that has to be there: the name of a segment. */
int ring_argument(int argc, char **argv, const char **name);
/* A part in the ring of a segment. @doing: such as "send to"; a status. */
int ring_open(const char *doing, const char *name, enum shmdev_ring_role role,
	      struct shmdev_segment **segment, struct shmdev_ring **ring);
void ring_close(struct shmdev_segment *segment, struct shmdev_ring *ring);

/* What those who take part say at one moment: not to be relied upon. */
struct ring_moment {
	struct timespec time;
	struct shmdev_ring_info ring;
	struct shmdev_ring_cursor_info cursors[SHMDEV_RING_CURSORS_MAX];
};

void ring_look(const struct shmdev_ring *ring, struct ring_moment *moment);
/* Bytes in a second. */
uint64_t ring_speed(uint64_t bytes, double seconds);

/* How records follow each other in a file. */
enum framing {
	FRAMING_LINES,
	FRAMING_PREFIXED,	/* by their length: 4 bytes, the low one first */
	FRAMING_NONE,
};

/* map: what is drawn, as it was at one moment */
struct view {
	struct shmdev_mapping_info mapping;
	uint64_t address;	/* 0: not visible */
	size_t first, end;	/* the ranges that it covers, without the end */
};

struct map {
	struct shmdev_segment_info segment;
	struct view *views;	/* those of a process follow each other */
	size_t view_count;
	struct range *ranges;	/* of pages that the same views cover */
	size_t range_count;	/* at least one */
};

/* What a name is put behind; if it has none, that is all. */
const char *map_kind(const struct map *map);
/* The views from @i on that are of the same process end here. */
size_t map_process_end(const struct map *map, size_t i);
uint64_t map_pages(const struct range *range);
/* Where a view is in the memory of its process, for people. */
#define VIEW_PLACE_SIZE 40
void view_place(const struct view *view, char text[VIEW_PLACE_SIZE]);
/* Such as "rw shared". */
#define VIEW_RIGHTS_SIZE sizeof("rw private")
void view_rights(uint32_t flags, char text[VIEW_RIGHTS_SIZE]);
/* Whether it maps the segment, for an endpoint; what its box says of that. */
bool map_kernel_has_view(const struct map *map);
const char *map_kernel_state(const struct map *map);

/* picture, graph: 0 or -errno; graph_image(): a status */
int picture_draw(const struct map *map);
int graph_write(const struct map *map, FILE *to);
int graph_image(const struct map *map, const char *format);

extern const struct verb verb_hello, verb_learn, verb_load, verb_unload,
	verb_create, verb_ls, verb_stat, verb_ps, verb_map, verb_peers, verb_rm,
	verb_chmod, verb_chown, verb_read, verb_write, verb_dump, verb_kick,
	verb_wait, verb_wake, verb_send, verb_recv, verb_watch, verb_top;

#endif /* SHMDEV_CLI_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes on in all segments, again and again: on a terminal a screen that
 * keys steer, else tables one below the other. The device is open only while we
 * look, so that the module can be unloaded meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { OPTION_BATCH = OPTION_OF_VERB };

static const struct option options[] = {
	{ "batch", no_argument, NULL, OPTION_BATCH },
	{ "count", required_argument, NULL, 'c' },
	{ "interval", required_argument, NULL, 'i' },
	TABLE_OPTIONS,
	COMMON_OPTIONS
};

struct row {
	struct shmdev_segment_info info;	/* print_segment_name() */
	bool is_known;			/* from the look before */
	double kicks;			/* in a second */
	double events;			/* likewise */
	bool has_ring;
	struct timespec ring_time;
	struct shmdev_ring_info ring;
	bool is_ring_known;		/* from the look before */
	double records;			/* in a second */
	uint64_t speed;			/* bytes in a second */
	bool has_readers;
	uint64_t lag;
	uint64_t lost;
};

static bool is_known(const void *data)
{
	const struct row *row = data;

	return row->is_known;
}

static bool is_ring_known(const void *data)
{
	const struct row *row = data;

	return row->is_ring_known;
}

static bool has_readers(const void *data)
{
	const struct row *row = data;

	return row->has_readers;
}

#define OFFSET(member) .offset = offsetof(struct row, member)

static const struct column columns[] = {
	{ "NAME", "its name", COLUMN_PRINT, .print = print_segment_name },
	{ "ID", "its number", COLUMN_U64, OFFSET(info.id) },
	{ "SIZE", "its size", COLUMN_BYTES, OFFSET(info.bytes) },
	{ "RESIDENT", "how much of it is in memory", COLUMN_BYTES,
	  OFFSET(info.resident) },
	{ "RECORDS", "records sent through its ring in a second",
	  COLUMN_TENTHS, OFFSET(records), .is_there = is_ring_known },
	{ "SPEED", "bytes in a second, and 8 and padding for each record",
	  COLUMN_BYTES, OFFSET(speed), .is_there = is_ring_known },
	{ "LAG", "bytes that the slowest reader of its ring has yet to read",
	  COLUMN_BYTES, OFFSET(lag), .is_there = has_readers },
	{ "LOST", "records that its readers lost so far", COLUMN_U64,
	  OFFSET(lost), .is_there = has_readers },
	{ "KICKS", "kicks in a second", COLUMN_TENTHS, OFFSET(kicks),
	  .is_there = is_known },
	{ "EVENTS", "times in a second that pollers were told something",
	  COLUMN_TENTHS, OFFSET(events), .is_there = is_known },
	{ "PEERS", "who takes part in it now", COLUMN_U32, OFFSET(info.peers) },
	{ "MAPPINGS", "mappings in all processes", COLUMN_U32,
	  OFFSET(info.mappings) },
	{ "FILES", "open segment files, or held by a mapping", COLUMN_U32,
	  OFFSET(info.files) },
};

static const struct table top_table = {
	.name = "segments",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(*columns),
	.default_columns = "NAME,ID,SIZE,RESIDENT,RECORDS,SPEED,LAG,LOST,KICKS,"
			   "EVENTS,PEERS,MAPPINGS,FILES",
	.row_size = sizeof(struct row),
};

/* All segments at one moment, by ascending id. */
struct look {
	struct timespec time;
	struct row *rows;
	size_t count;
};

struct top {
	struct table_options table;
	struct timespec interval;
	uint64_t rest;			/* tables yet to be shown */
	struct look look;
	const struct column **columns;
	size_t column_count;
	SCREEN *screen;			/* NULL: it is not ours */
	struct timespec until;		/* when to look again */
	size_t sort;			/* index of a column */
	bool reverse;
	size_t first;			/* of the sorted rows, on the screen */
	bool help;
	bool asks;			/* for the interval */
	char typed[16];
	bool done;
};

/* What is said while it is ours would be lost. */
static void give_screen_back(struct top *top)
{
	if (!top->screen)
		return;
	endwin();
	delscreen(top->screen);
	top->screen = NULL;
}

static void add_cursors(struct row *row, const struct ring_moment *moment)
{
	uint32_t i;

	for (i = 0; i < moment->ring.readers; i++) {
		const struct shmdev_ring_cursor_info *cursor =
			&moment->cursors[i];
		uint64_t lag = moment->ring.head - cursor->position;

		if (!cursor->id)
			continue;
		row->has_readers = true;
		row->lost += cursor->lost;
		if (lag > row->lag)
			row->lag = lag;
	}
}

/*
 * The name may be another segment's by now. A segment without a ring, or with
 * what only looks like one, is shown all the same.
 */
static void add_ring(struct row *row, const struct shmdev_segment *segment)
{
	struct shmdev_segment_info info = { .size = sizeof(info) };
	struct ring_moment moment;
	struct shmdev_ring *ring;

	if (shmdev_segment_info(segment, &info) || info.id != row->info.id ||
	    shmdev_ring_attach(segment, 0, SHMDEV_RING_OBSERVER, &ring))
		return;
	ring_look(ring, &moment);
	shmdev_ring_detach(ring);
	row->has_ring = true;
	row->ring_time = moment.time;
	row->ring = moment.ring;
	add_cursors(row, &moment);
}

/*
 * Looking for a ring must not give a page to a lazy segment that nobody takes
 * part in.
 */
static void find_ring(struct row *row, const struct shmdev_device *device)
{
	const struct shmdev_segment_info *info = &row->info;
	struct shmdev_segment *segment;

	if (!*info->name || (info->flags & SHMDEV_SEGMENT_LAZY && !info->peers))
		return;
	if (shmdev_segment_open(device, info->name, O_RDONLY, &segment))
		return;
	add_ring(row, segment);
	shmdev_segment_close(segment);
}

static void compare(struct row *row, const struct row *before, double seconds)
{
	double ring_seconds = seconds_between(&before->ring_time,
					      &row->ring_time);

	if (seconds > 0) {
		row->is_known = true;
		row->kicks = (row->info.kicks - before->info.kicks) / seconds;
		row->events = (row->info.events - before->info.events) /
			      seconds;
	}
	if (row->has_ring && before->has_ring && ring_seconds > 0 &&
	    row->ring.sequence >= before->ring.sequence &&
	    row->ring.head >= before->ring.head) {
		row->is_ring_known = true;
		row->records = (row->ring.sequence - before->ring.sequence) /
			       ring_seconds;
		row->speed = ring_speed(row->ring.head - before->ring.head,
					ring_seconds);
	}
}

/* Both are by ascending id, and no id is ever used again. */
static void compare_looks(struct look *now, const struct look *before)
{
	double seconds = seconds_between(&before->time, &now->time);
	size_t i, j = 0;

	for (i = 0; i < now->count; i++) {
		uint64_t id = now->rows[i].info.id;

		while (j < before->count && before->rows[j].info.id < id)
			j++;
		if (j < before->count && before->rows[j].info.id == id)
			compare(&now->rows[i], &before->rows[j], seconds);
	}
}

static int fill_look(struct look *look, const struct shmdev_device *device)
{
	struct shmdev_segment_list *list;
	size_t i;
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &look->time);
	ret = shmdev_device_list(device, 0, &list);
	if (ret < 0)
		return ret;
	look->count = shmdev_segment_list_count(list);
	look->rows = calloc(look->count + 1, sizeof(*look->rows));
	for (i = 0; look->rows && i < look->count; i++) {
		look->rows[i].info.size = sizeof(look->rows[i].info);
		shmdev_segment_list_get(list, i, &look->rows[i].info);
		find_ring(&look->rows[i], device);
	}
	shmdev_segment_list_free(list);
	return look->rows ? 0 : -ENOMEM;
}

static int look_again(struct top *top)
{
	struct look now = { };
	struct shmdev_device *device;
	int ret = shmdev_device_open(device_path(), O_RDONLY, &device);

	if (ret < 0) {
		give_screen_back(top);
		return device_failure(ret);
	}
	ret = fill_look(&now, device);
	shmdev_device_close(device);
	if (ret < 0) {
		give_screen_back(top);
		say("cannot list the segments: %s", shmdev_strerror(ret));
		return STATUS_FAILED;
	}
	compare_looks(&now, &top->look);
	free(top->look.rows);
	top->look = now;
	return STATUS_OK;
}

static int run_batch(struct top *top)
{
	bool for_people = !top->table.json && !top->table.raw;
	struct timespec until = time_from_now(&top->interval);
	int status = STATUS_OK;
	bool is_first = true;

	while (top->rest-- && !status) {
		sleep_until(&until);
		until = time_from_now(&top->interval);
		status = look_again(top);
		if (status)
			break;
		if (!is_first && for_people)
			putchar('\n');
		is_first = false;
		status = table_print(&top_table, &top->table, top->look.rows,
				     top->look.count);
		if (!status && fflush(stdout))
			status = output_failure(errno);
	}
	return status;
}

#define MIN_COLUMNS 40
#define MIN_LINES 4
/* The line about all and that of the headings. */
#define LINES_ABOVE 2

static const char *const help_lines[] = {
	"q            end",
	"space        look now",
	"d, s         another delay between two looks",
	"<, left      sort by the column to the left",
	">, right     sort by the column to the right",
	"R            sort the other way round",
	"up, down, page up, page down, home, end",
	"             show other segments",
	"h, ?         this text",
	"",
	"The columns: shmdev top --help",
	"Any key leads back.",
};

static void draw_help(void)
{
	size_t i;

	for (i = 0; i < sizeof(help_lines) / sizeof(*help_lines); i++)
		mvaddnstr((int)i, 0, help_lines[i], COLS);
}

static void draw_summary(const struct top *top)
{
	double seconds = top->interval.tv_sec + top->interval.tv_nsec / 1e9;
	char line[128];

	if (top->asks)
		snprintf(line, sizeof(line), "Seconds between two looks: %s",
			 top->typed);
	else
		snprintf(line, sizeof(line),
			 "Segments: %zu, by %s, every %g s; h: help",
			 top->look.count, top->columns[top->sort]->name,
			 seconds);
	mvaddnstr(0, 0, line, COLS);
	curs_set(top->asks);
}

/* In reverse: the heading of the column that they are sorted by. */
static void draw_headings(const char *line, const char *sorted_by)
{
	size_t length = strlen(sorted_by);
	const char *found = line;

	attron(A_BOLD);
	mvaddstr(1, 0, line);
	attroff(A_BOLD);
	while ((found = strstr(found, sorted_by))) {
		if ((found == line || found[-1] == ' ') &&
		    (!found[length] || found[length] == ' '))
			mvchgat(1, (int)(found - line), (int)length,
				A_BOLD | A_REVERSE, 0, NULL);
		found += length;
	}
}

/*
 * The rows as text with as many columns as there is room for: the first one, and
 * rather those on the left, but in any case the one that they are sorted by.
 */
static char *fitting_text(const struct top *top, const void *rows, size_t count)
{
	const struct column **shown = calloc(top->column_count, sizeof(*shown));
	size_t shown_count = top->column_count;
	size_t sort = top->sort;
	char *text = NULL;

	if (shown)
		memcpy(shown, top->columns, shown_count * sizeof(*shown));
	while (shown) {
		free(text);
		text = table_text(&top_table, shown, shown_count, &top->table,
				  rows, count, COLS);
		if (!text || shown_count <= 2 ||
		    strcspn(text, "\n") <= (size_t)COLS)
			break;
		shown_count--;
		if (sort == shown_count) {
			memmove(&shown[1], &shown[2],
				(shown_count - 1) * sizeof(*shown));
			sort--;
		}
	}
	free(shown);
	return text;
}

static int draw_table(struct top *top)
{
	size_t room = LINES - LINES_ABOVE;
	size_t last = top->look.count > room ? top->look.count - room : 0;
	struct row *rows = table_sorted(&top_table, top->columns[top->sort],
					top->reverse, top->look.rows,
					top->look.count);
	char *text = NULL;
	char *rest, *line;
	int y = 1;

	if (top->first > last)
		top->first = last;
	if (top->look.count - top->first < room)
		room = top->look.count - top->first;
	if (rows)
		text = fitting_text(top, rows + top->first, room);
	rest = text;
	while (rest && (line = strsep(&rest, "\n"))) {
		if (y == 1)
			draw_headings(line, top->columns[top->sort]->name);
		else
			mvaddstr(y, 0, line);
		y++;
	}
	free(rows);
	free(text);
	if (text)
		return STATUS_OK;
	give_screen_back(top);
	say("there is not enough memory");
	return STATUS_FAILED;
}

static int draw(struct top *top)
{
	int status = STATUS_OK;

	erase();
	if (LINES < MIN_LINES || COLS < MIN_COLUMNS) {
		mvaddnstr(0, 0, "The terminal is too small.", COLS);
	} else if (top->help) {
		draw_help();
	} else {
		status = draw_table(top);
		if (!status)
			draw_summary(top);
	}
	if (!status)
		refresh();
	return status;
}

static bool is_positive(const struct timespec *time)
{
	return time->tv_sec || time->tv_nsec;
}

/* The interval is typed where it will be shown. */
static void answer_key(struct top *top, int key)
{
	size_t length = strlen(top->typed);
	struct timespec interval;

	if (key == '\r' || key == '\n' || key == KEY_ENTER) {
		top->asks = false;
		if (parse_seconds(top->typed, &interval) ||
		    !is_positive(&interval)) {
			beep();
			return;
		}
		top->interval = interval;
		top->until = time_from_now(&interval);
	} else if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
		if (length)
			top->typed[length - 1] = '\0';
	} else if (key == '.' || (key >= '0' && key <= '9')) {
		if (length + 1 < sizeof(top->typed))
			top->typed[length] = (char)key;
	} else if (key != KEY_RESIZE) {
		top->asks = false;
	}
}

static void scroll_by(struct top *top, ptrdiff_t rows)
{
	if (rows < 0 && top->first < (size_t)-rows)
		top->first = 0;
	else
		top->first += rows;
}

static void table_key(struct top *top, int key)
{
	ptrdiff_t page = LINES - LINES_ABOVE;

	switch (key) {
	case 'q':
		top->done = true;
		break;
	case ' ':
		clock_gettime(CLOCK_MONOTONIC, &top->until);
		break;
	case 'd':
	case 's':
		top->asks = true;
		memset(top->typed, 0, sizeof(top->typed));
		break;
	case '<':
	case KEY_LEFT:
		if (top->sort)
			top->sort--;
		break;
	case '>':
	case KEY_RIGHT:
		if (top->sort + 1 < top->column_count)
			top->sort++;
		break;
	case 'R':
		top->reverse = !top->reverse;
		break;
	case 'h':
	case '?':
		top->help = true;
		break;
	case KEY_UP:
		scroll_by(top, -1);
		break;
	case KEY_DOWN:
		scroll_by(top, 1);
		break;
	case KEY_PPAGE:
		scroll_by(top, -page);
		break;
	case KEY_NPAGE:
		scroll_by(top, page);
		break;
	case KEY_HOME:
		top->first = 0;
		break;
	case KEY_END:
		top->first = top->look.count;
		break;
	default:	/* KEY_RESIZE among them: it is drawn anew */
		break;
	}
}

static void handle_key(struct top *top, int key)
{
	if (top->asks)
		answer_key(top, key);
	else if (top->help && key != KEY_RESIZE)
		top->help = false;
	else
		table_key(top, key);
}

static atomic_int caught;

static void catch(int number)
{
	caught = number;
}

static const int caught_signals[] = { SIGHUP, SIGINT, SIGTERM };
#define CAUGHT_COUNT (sizeof(caught_signals) / sizeof(*caught_signals))

/*
 * Signals come only while we sleep, so that none is missed before, and none
 * finds the screen half drawn. @before is what was blocked already.
 */
static void catch_signals(sigset_t *before)
{
	struct sigaction action = { .sa_handler = catch };
	sigset_t blocked;
	size_t i;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGWINCH);
	for (i = 0; i < CAUGHT_COUNT; i++) {
		sigaction(caught_signals[i], &action, NULL);
		sigaddset(&blocked, caught_signals[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, before);
}

/* Who started us is to see what ended us. */
static void release_signals(const sigset_t *before)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	size_t i;

	for (i = 0; i < CAUGHT_COUNT; i++)
		sigaction(caught_signals[i], &action, NULL);
	sigprocmask(SIG_SETMASK, before, NULL);
	if (caught)
		raise(caught);
}

/* Sleeps until there is a key, a signal, or it is time to look again. */
static void wait_for_key(struct top *top, const sigset_t *unblocked)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	struct timespec now, left = { };
	double seconds;

	clock_gettime(CLOCK_MONOTONIC, &now);
	seconds = seconds_between(&now, &top->until);
	if (seconds > 0) {
		left.tv_sec = (time_t)seconds;
		left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
	}
	ppoll(&input, 1, &left, unblocked);
	/* A terminal that has gone would be at its end for ever. */
	if (caught || input.revents & (POLLHUP | POLLERR | POLLNVAL))
		top->done = true;
}

static int steer(struct top *top, const sigset_t *unblocked)
{
	struct timespec now;
	int status;
	int key;

	for (;;) {
		status = draw(top);
		if (status)
			return status;
		wait_for_key(top, unblocked);
		while (!top->done && (key = getch()) != ERR)
			handle_key(top, key);
		if (top->done)
			return STATUS_OK;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (seconds_between(&top->until, &now) < 0)
			continue;
		top->until = time_from_now(&top->interval);
		status = look_again(top);
		if (status || !--top->rest)
			return status;
	}
}

static int terminal_failure(struct top *top)
{
	give_screen_back(top);
	say("this cannot be shown on a terminal '%s'; set TERM to what it is, "
	    "or use --batch", getenv("TERM") ?: "");
	return STATUS_FAILED;
}

static int run_screen(struct top *top)
{
	sigset_t unblocked;
	int status;

	catch_signals(&unblocked);
	top->screen = newterm(NULL, stdout, stdin);
	if (top->screen && tigetstr("cup")) {
		cbreak();
		noecho();
		keypad(stdscr, true);
		nodelay(stdscr, true);
		set_escdelay(25);
		top->until = time_from_now(&top->interval);
		status = steer(top, &unblocked);
		give_screen_back(top);
	} else {
		status = terminal_failure(top);
	}
	release_signals(&unblocked);
	return status;
}

/* The first look is there for the second one to be compared with. */
static int show(struct top *top, bool batch)
{
	int status = table_columns(&top_table, &top->table, &top->columns,
				   &top->column_count);
	size_t i;

	if (status)
		return status;
	/* What is busiest comes first, unless that is not shown. */
	for (i = 0; i < top->column_count; i++)
		if (!strcmp(top->columns[i]->name, "SPEED"))
			top->sort = i;
	status = look_again(top);
	if (!status && top->rest)
		status = batch ? run_batch(top) : run_screen(top);
	free(top->look.rows);
	free(top->columns);
	return status;
}

static int run(int argc, char **argv)
{
	struct top top = {
		.interval.tv_sec = 1,
		.rest = UINT64_MAX,
	};
	bool batch = !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO);
	int status = STATUS_OK;
	int option;

	while ((option = next_option(argc, argv, "c:i:" TABLE_SHORT_OPTIONS,
				     options)) != -1) {
		if (option == 'c')
			status = number_argument("count", optarg, &top.rest);
		else if (option == 'i')
			status = seconds_argument("interval", optarg,
						  &top.interval);
		else if (option == OPTION_BATCH)
			batch = true;
		else
			table_option(&top.table, option);
		if (status)
			return status;
	}
	if (!is_positive(&top.interval))
		return usage_error("the interval has to be longer than 0");
	if (optind < argc)
		return usage_error("'%s' is one argument too many",
				   argv[optind]);
	return show(&top, batch || top.table.json || top.table.raw ||
			  top.table.noheadings);
}

const struct verb verb_top = {
	.name = "top",
	.arguments = "[OPTION]...",
	.summary = "Show again and again what goes on in all segments",
	.help = "      --batch          tables below each other, not a screen\n"
		"  -c, --count N        end after N tables\n"
		"  -i, --interval TIME  so many seconds between two, 1 if not "
		"given\n"
		TABLE_HELP,
	.table = &top_table,
	.run = run,
};

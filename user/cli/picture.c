// SPDX-License-Identifier: GPL-2.0-only
/* The map of a segment as text. */
#include <errno.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

/* What the boxes are drawn with. */
struct pen {
	const char *line, *side;
	const char *top_left, *top_right, *bottom_left, *bottom_right;
	const char *top, *bottom;	/* where two boxes of pages meet */
	const char *from, *to;		/* the ends of a mapping */
	const char *writable;		/* a line, for one that may write */
};

static const struct pen unicode = {
	.line = "─", .side = "│",
	.top_left = "┌", .top_right = "┐",
	.bottom_left = "└", .bottom_right = "┘",
	.top = "┬", .bottom = "┴",
	.from = "├", .to = "┤",
	.writable = "═",
};

static const struct pen ascii = {
	.line = "-", .side = "|",
	.top_left = "+", .top_right = "+",
	.bottom_left = "+", .bottom_right = "+",
	.top = "+", .bottom = "+",
	.from = "|", .to = "|",
	.writable = "=",
};

/*
 * Each mapping has a line: what is to be said of it, and a bar, below the boxes
 * of the pages that it covers.
 */
struct picture {
	const struct map *map;
	const struct pen *pen;
	size_t columns;		/* of the terminal */
	size_t place_columns;	/* of where a mapping is, the longest one */
	size_t left;		/* columns before the bars */
	/* Each range's left side, then the last one's right one; NULL: no bars */
	size_t *sides;
};

/* What ends each line with a bar: a blank and the side of a box. */
#define RIGHT 2

static size_t terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return 80;
	return size.ws_col;
}

static void repeat(const char *what, size_t times)
{
	while (times--)
		fputs(what, stdout);
}

/* What is written over a range: where it begins; at its right, where all ends. */
static size_t label_columns(const struct map *map, size_t i)
{
	char begin[EXACT_BYTES_SIZE], end[EXACT_BYTES_SIZE];

	exact_bytes(map->ranges[i].offset, begin);
	exact_bytes(map->segment.bytes, end);
	return strlen(begin) +
	       (i + 1 < map->range_count ? 1 : strlen(end));
}

/* From its left side to that of the next one. */
static size_t range_columns(const struct map *map, size_t i)
{
	size_t pages = snprintf(NULL, 0, "%ju ",
				(uintmax_t)map_pages(&map->ranges[i]));
	size_t label = label_columns(map, i);

	return pages > label ? pages : label;
}

/*
 * A range has the columns that its labels need, and of those that are left its
 * share: the boxes are not to scale, or that of a single page would not be seen.
 */
static int lay_out(struct picture *picture)
{
	const struct map *map = picture->map;
	size_t needed = picture->left + RIGHT + 1;
	size_t spare, at = 0, i;

	for (i = 0; i < map->range_count; i++)
		needed += range_columns(map, i);
	if (needed > picture->columns) {
		say("boxes need %zu columns, and there are %zu; make the "
		    "terminal wider, or use 'shmdev map --svg'", needed,
		    picture->columns);
		return 0;
	}
	picture->sides = calloc(map->range_count + 1, sizeof(*picture->sides));
	if (!picture->sides)
		return -ENOMEM;
	spare = picture->columns - needed;
	for (i = 0; i < map->range_count; i++) {
		picture->sides[i] = at;
		at += range_columns(map, i);
		at += (double)map->ranges[i].bytes / map->segment.bytes * spare;
	}
	/* What was rounded down is the last one's. */
	picture->sides[i] = spare + needed - picture->left - RIGHT - 1;
	return 0;
}

static void draw_title(const struct map *map)
{
	char size[EXACT_BYTES_SIZE];

	exact_bytes(map->segment.bytes, size);
	printf("%s", map_kind(map));
	print_text(stdout, map->segment.name);
	printf(", %s%s\n", size,
	       map->view_count ? "" : ", which no process has mapped");
}

static void draw_border(const struct picture *picture, const char *left,
			const char *middle, const char *right)
{
	size_t i;

	printf("%*s", (int)picture->left, "");
	for (i = 0; i < picture->map->range_count; i++) {
		fputs(i ? middle : left, stdout);
		repeat(picture->pen->line,
		       picture->sides[i + 1] - picture->sides[i] - 1);
	}
	printf("%s\n", right);
}

static void draw_ranges(const struct picture *picture)
{
	const struct map *map = picture->map;
	const struct pen *pen = picture->pen;
	char text[EXACT_BYTES_SIZE];
	size_t width = 0, i;

	if (!picture->sides)
		return;
	printf("%*s", (int)picture->left, "offset ");
	for (i = 0; i < map->range_count; i++) {
		exact_bytes(map->ranges[i].offset, text);
		width = picture->sides[i + 1] - picture->sides[i];
		if (i + 1 < map->range_count)
			printf("%-*s", (int)width, text);
	}
	width -= printf("%s", text);
	exact_bytes(map->segment.bytes, text);
	printf("%*s\n", (int)width + 1, text);
	draw_border(picture, pen->top_left, pen->top, pen->top_right);
	printf("%*s", (int)picture->left, "pages ");
	for (i = 0; i < map->range_count; i++) {
		width = picture->sides[i + 1] - picture->sides[i];
		printf("%s%-*ju", pen->side, (int)width - 1,
		       (uintmax_t)map_pages(&map->ranges[i]));
	}
	printf("%s\n", pen->side);
	draw_border(picture, pen->bottom_left, pen->bottom, pen->bottom_right);
}

/* Begins the box of an address space; its name follows. */
static size_t begin_box(const struct picture *picture)
{
	if (!picture->sides)
		return 0;
	printf("%s%s ", picture->pen->top_left, picture->pen->line);
	return 3;
}

/* @columns: those that were written of the line. */
static void end_top(const struct picture *picture, size_t columns)
{
	if (picture->sides) {
		putchar(' ');
		/* A long name may be longer than the box. */
		if (columns + 2 < picture->columns)
			repeat(picture->pen->line,
			       picture->columns - columns - 2);
		fputs(picture->pen->top_right, stdout);
	}
	putchar('\n');
}

static void end_box(const struct picture *picture)
{
	if (!picture->sides)
		return;
	fputs(picture->pen->bottom_left, stdout);
	repeat(picture->pen->line, picture->columns - 2);
	printf("%s\n", picture->pen->bottom_right);
}

static void draw_bar(const struct picture *picture, const struct view *view)
{
	const struct pen *pen = picture->pen;
	const size_t *sides = picture->sides;
	size_t end = sides[picture->map->range_count] + 1;
	size_t drawn = 0;

	/* Nothing, where there are no pages under what is mapped. */
	if (view->first != view->end) {
		printf("%*s%s", (int)sides[view->first], "", pen->from);
		repeat(view->mapping.flags & SHMDEV_MAPPING_WRITE ?
		       pen->writable : pen->line,
		       sides[view->end] - sides[view->first] - 1);
		fputs(pen->to, stdout);
		drawn = sides[view->end] + 1;
	}
	printf("%*s %s", (int)(end - drawn), "", pen->side);
}

static void draw_view(const struct picture *picture, const struct view *view,
		      const char *place)
{
	char begin[EXACT_BYTES_SIZE], end[EXACT_BYTES_SIZE];
	char rights[VIEW_RIGHTS_SIZE];

	view_rights(view->mapping.flags, rights);
	printf("%s %-*s %-*s ", picture->sides ? picture->pen->side : " ",
	       (int)picture->place_columns, place,
	       (int)VIEW_RIGHTS_SIZE - 1, rights);
	if (picture->sides) {
		draw_bar(picture, view);
	} else {
		exact_bytes(view->mapping.offset, begin);
		exact_bytes(view->mapping.offset + view->mapping.bytes, end);
		printf("%s-%s", begin, end);
	}
	putchar('\n');
}

/* The views from @i to @end. */
static void draw_process(const struct picture *picture, size_t i, size_t end)
{
	const struct view *views = picture->map->views;
	size_t columns = begin_box(picture);
	char place[VIEW_PLACE_SIZE];

	if (views[i].mapping.pid) {
		columns += printf("process %d, ", views[i].mapping.pid);
		columns += print_text(stdout, views[i].mapping.command);
	} else {
		columns += printf("not visible from here");
	}
	end_top(picture, columns);
	for (; i < end; i++) {
		view_place(&views[i], place);
		draw_view(picture, &views[i], place);
	}
	end_box(picture);
}

static void draw_kernel(const struct picture *picture)
{
	const struct map *map = picture->map;
	const char *state = map_kernel_state(map);
	const struct view all = {
		.mapping.bytes = map->segment.bytes,
		.mapping.flags = SHMDEV_MAPPING_READ | SHMDEV_MAPPING_WRITE |
				 SHMDEV_MAPPING_SHARED,
		.end = map->range_count,
	};
	size_t columns = begin_box(picture);

	columns += printf("the kernel");
	if (*map->segment.endpoint) {
		columns += printf(", endpoint ");
		columns += print_text(stdout, map->segment.endpoint);
	}
	end_top(picture, columns);
	if (map_kernel_has_view(map))
		draw_view(picture, &all, state);
	else if (picture->sides)
		printf("%s %-*s%s\n", picture->pen->side,
		       (int)picture->columns - 3, state, picture->pen->side);
	else
		printf("  %s\n", state);
	end_box(picture);
}

int picture_draw(const struct map *map)
{
	struct picture picture = {
		.map = map,
		.pen = strcmp(nl_langinfo(CODESET), "UTF-8") ? &ascii : &unicode,
		.columns = terminal_columns(),
		.place_columns = strlen(map_kernel_state(map)),
	};
	char place[VIEW_PLACE_SIZE];
	size_t i, end;
	int ret;

	for (i = 0; i < map->view_count; i++) {
		view_place(&map->views[i], place);
		if (picture.place_columns < strlen(place))
			picture.place_columns = strlen(place);
	}
	picture.left = 2 + picture.place_columns + 1 + VIEW_RIGHTS_SIZE;
	ret = lay_out(&picture);
	if (ret < 0)
		return ret;
	draw_title(map);
	draw_ranges(&picture);
	for (i = 0; i < map->view_count; i = end) {
		end = map_process_end(map, i);
		draw_process(&picture, i, end);
	}
	draw_kernel(&picture);
	free(picture.sides);
	return 0;
}

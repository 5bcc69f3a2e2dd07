// SPDX-License-Identifier: GPL-2.0-only
/* Who maps what of a segment: collected here, drawn elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cli.h"

enum {
	OPTION_DOT = OPTION_OF_VERB,
	OPTION_PNG,
	OPTION_SVG,
	OPTION_FD,
};

static const struct option options[] = {
	{ "dot", no_argument, NULL, OPTION_DOT },
	{ "fd", required_argument, NULL, OPTION_FD },
	{ "png", no_argument, NULL, OPTION_PNG },
	{ "svg", no_argument, NULL, OPTION_SVG },
	COMMON_OPTIONS
};

const char *map_kind(const struct map *map)
{
	if (*map->segment.name)
		return "segment ";
	return map->segment.flags & SHMDEV_SEGMENT_DEFAULT ?
		       "the default segment" : "a segment without a name";
}

size_t map_process_end(const struct map *map, size_t i)
{
	pid_t pid = map->views[i].mapping.pid;

	while (i < map->view_count && map->views[i].mapping.pid == pid)
		i++;
	return i;
}

uint64_t map_pages(const struct range *range)
{
	return range->bytes / sysconf(_SC_PAGESIZE);
}

void view_place(const struct view *view, char text[VIEW_PLACE_SIZE])
{
	if (view->address)
		snprintf(text, VIEW_PLACE_SIZE, "%" PRIx64 "-%" PRIx64,
			 view->address, view->address + view->mapping.bytes);
	else
		snprintf(text, VIEW_PLACE_SIZE, "(address not visible)");
}

void view_rights(uint32_t flags, char text[VIEW_RIGHTS_SIZE])
{
	snprintf(text, VIEW_RIGHTS_SIZE, "%c%c %s",
		 flags & SHMDEV_MAPPING_READ ? 'r' : '-',
		 flags & SHMDEV_MAPPING_WRITE ? 'w' : '-',
		 flags & SHMDEV_MAPPING_SHARED ? "shared" : "private");
}

bool map_kernel_has_view(const struct map *map)
{
	return *map->segment.endpoint &&
	       !(map->segment.flags & SHMDEV_SEGMENT_SHUTDOWN);
}

const char *map_kernel_state(const struct map *map)
{
	if (!*map->segment.endpoint)
		return "no endpoint";
	if (!map_kernel_has_view(map))
		return "its endpoint has gone";
	return "addresses not shown";
}

/* Where a file may be found in /proc/PID/maps. */
struct place {
	dev_t device;	/* 0: not known, but it is that of DEVICE_PATH */
	uint64_t inode;
};

/* A line of /proc/PID/maps. */
struct line {
	uint64_t start, end, offset, inode;
	unsigned int major, minor;
	char rights[5];
	int path;	/* where it begins */
};

static bool is_line_of(const struct line *line, const char *path,
		       const struct place *place)
{
	if (line->inode != place->inode)
		return false;
	/* Files elsewhere may have the same inode number. */
	if (place->device)
		return makedev(line->major, line->minor) == place->device;
	return !strncmp(path, DEVICE_PATH, strlen(DEVICE_PATH));
}

static bool is_line_of_view(const struct line *line, const struct view *view)
{
	const struct shmdev_mapping_info *mapping = &view->mapping;

	return !view->address && line->offset == mapping->offset &&
	       line->end - line->start == mapping->bytes &&
	       (line->rights[0] == 'r') ==
		       !!(mapping->flags & SHMDEV_MAPPING_READ) &&
	       (line->rights[1] == 'w') ==
		       !!(mapping->flags & SHMDEV_MAPPING_WRITE) &&
	       (line->rights[3] == 's') ==
		       !!(mapping->flags & SHMDEV_MAPPING_SHARED);
}

/*
 * Finds out where the views of a process are. It may be somebody else's, or have
 * gone, or have changed its mappings meanwhile: then there are views that it is
 * not known of, which is no error.
 */
static void find_addresses(struct view *views, size_t count,
			   const struct place *place)
{
	char path[32];
	struct line line = { };
	char *text = NULL;
	size_t size = 0;
	FILE *maps;
	size_t i;

	snprintf(path, sizeof(path), "/proc/%d/maps", views->mapping.pid);
	maps = fopen(path, "re");
	if (!maps)
		return;
	while (getline(&text, &size, maps) > 0) {
		/* NOLINTNEXTLINE(cert-err34-c): the kernel's numbers fit. */
		if (sscanf(text, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64
			   " %x:%x %" SCNu64 " %n", &line.start, &line.end,
			   line.rights, &line.offset, &line.major, &line.minor,
			   &line.inode, &line.path) < 7 ||
		    !is_line_of(&line, text + line.path, place))
			continue;
		for (i = 0; i < count; i++) {
			if (is_line_of_view(&line, &views[i])) {
				views[i].address = line.start;
				break;
			}
		}
	}
	free(text);
	fclose(maps);
}

static void find_all_addresses(struct map *map,
			       const struct shmdev_segment *segment)
{
	struct place place = { .inode = map->segment.inode };
	struct stat file;
	size_t i, end;

	if (fstat(shmdev_segment_fd(segment), &file))
		return;
	if (S_ISREG(file.st_mode))
		place.device = file.st_dev;
	for (i = 0; i < map->view_count; i = end) {
		end = map_process_end(map, i);
		if (map->views[i].mapping.pid)
			find_addresses(&map->views[i], end - i, &place);
	}
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_views(const void *a, const void *b)
{
	const struct shmdev_mapping_info *x = &((const struct view *)a)->mapping;
	const struct shmdev_mapping_info *y = &((const struct view *)b)->mapping;
	int order = compare_numbers(x->pid, y->pid);

	return order ? order : compare_numbers(x->offset, y->offset);
}

static int compare_ranges(const void *a, const void *b)
{
	return compare_numbers(((const struct range *)a)->offset,
			       ((const struct range *)b)->offset);
}

static int collect_views(struct map *map, const struct shmdev_segment *segment)
{
	struct shmdev_mapping_list *list;
	int ret = shmdev_segment_mappings(segment, &list);
	size_t i;

	if (ret < 0)
		return ret;
	map->view_count = shmdev_mapping_list_count(list);
	map->views = calloc(map->view_count + 1, sizeof(*map->views));
	for (i = 0; map->views && i < map->view_count; i++) {
		struct shmdev_mapping_info *info = &map->views[i].mapping;

		info->size = sizeof(*info);
		shmdev_mapping_list_get(list, i, info);
	}
	shmdev_mapping_list_free(list);
	if (!map->views)
		return -ENOMEM;
	qsort(map->views, map->view_count, sizeof(*map->views), compare_views);
	return 0;
}

/* mremap() makes mappings that are larger than what they map: not here. */
static uint64_t inside(const struct map *map, uint64_t offset, uint64_t bytes)
{
	uint64_t size = map->segment.bytes;

	if (offset >= size)
		return size;
	return bytes < size - offset ? offset + bytes : size;
}

/* The range that begins at @offset. */
static size_t range_at(const struct map *map, uint64_t offset)
{
	struct range key = { .offset = offset };
	const struct range *range;

	if (offset == map->segment.bytes)
		return map->range_count;
	range = bsearch(&key, map->ranges, map->range_count,
			sizeof(*map->ranges), compare_ranges);
	return range - map->ranges;
}

/* Wherever a view begins or ends, another range begins. */
static int collect_ranges(struct map *map)
{
	size_t count = 0, i;
	struct range *ranges = calloc(2 * map->view_count + 1, sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	map->ranges = ranges;
	ranges[count++].offset = 0;
	for (i = 0; i < map->view_count; i++) {
		const struct shmdev_mapping_info *mapping =
			&map->views[i].mapping;

		ranges[count++].offset = inside(map, mapping->offset, 0);
		ranges[count++].offset = inside(map, mapping->offset,
						mapping->bytes);
	}
	qsort(ranges, count, sizeof(*ranges), compare_ranges);
	for (i = 0; i < count; i++) {
		uint64_t end = i + 1 < count ? ranges[i + 1].offset :
					       map->segment.bytes;

		if (ranges[i].offset == end)
			continue;
		ranges[map->range_count++] = (struct range){
			.offset = ranges[i].offset,
			.bytes = end - ranges[i].offset,
		};
	}
	for (i = 0; i < map->view_count; i++) {
		struct view *view = &map->views[i];

		view->first = range_at(map, inside(map, view->mapping.offset,
						   0));
		view->end = range_at(map, inside(map, view->mapping.offset,
						 view->mapping.bytes));
	}
	return 0;
}

/* 0 or -errno; what it has got is to be freed in any case. */
static int collect(struct map *map, const struct shmdev_segment *segment)
{
	int ret;

	map->segment.size = sizeof(map->segment);
	ret = shmdev_segment_info(segment, &map->segment);
	if (ret == 0)
		ret = collect_views(map, segment);
	if (ret == 0)
		ret = collect_ranges(map);
	if (ret == 0)
		find_all_addresses(map, segment);
	return ret;
}

static int draw(const struct map *map, const char *name, int format)
{
	int ret;

	switch (format) {
	case OPTION_DOT:
		ret = graph_write(map, stdout);
		break;
	case OPTION_PNG:
		return graph_image(map, "-Tpng");
	case OPTION_SVG:
		return graph_image(map, "-Tsvg");
	default:
		ret = picture_draw(map);
	}
	return ret < 0 ? segment_failure("draw", name, ret) : STATUS_OK;
}

static int open_named(const char *name, struct shmdev_segment **segment)
{
	struct shmdev_device *device;
	int status = connect_device(O_RDONLY, &device);
	int ret;

	if (status)
		return status;
	ret = connect_segment_somehow(device, name, segment);
	shmdev_device_close(device);
	return ret < 0 ? segment_failure("open", name, ret) : STATUS_OK;
}

/* One that was inherited. */
static int open_descriptor(const char *text, struct shmdev_segment **segment)
{
	uint64_t number;
	int status = number_argument("descriptor", text, &number);
	int ret;

	if (status)
		return status;
	ret = number > INT_MAX ? -EBADF :
	      shmdev_segment_from_fd((int)number, segment);
	if (ret == -EBADF)
		return usage_error("there is no descriptor %s; 'shmdev create' "
				   "gives its command number 3", text);
	if (ret == -ENOTTY)
		return usage_error("descriptor %s is none of a segment", text);
	return ret < 0 ? segment_failure("look at", text, ret) : STATUS_OK;
}

static int map_segment(const char *name, const char *descriptor, int format)
{
	struct shmdev_segment *segment = NULL;
	struct map map = { };
	int status = descriptor ? open_descriptor(descriptor, &segment) :
				  open_named(name, &segment);
	int ret;

	if (status)
		return status;
	if (descriptor)
		name = descriptor;
	ret = collect(&map, segment);
	shmdev_segment_close(segment);
	if (ret < 0)
		status = segment_failure("look at", name, ret);
	else
		status = draw(&map, name, format);
	free(map.views);
	free(map.ranges);
	return status;
}

static int run(int argc, char **argv)
{
	const char *descriptor = NULL;
	int format = 0;
	int option;

	while ((option = next_option(argc, argv, "", options)) != -1) {
		if (option == OPTION_FD) {
			descriptor = optarg;
			continue;
		}
		if (format && option != format)
			return usage_error("--dot, --png and --svg exclude "
					   "each other");
		format = option;
	}
	if (argc - optind > !descriptor)
		return usage_error("'%s' is one argument too many",
				   argv[optind + !descriptor]);
	if ((format == OPTION_PNG || format == OPTION_SVG) &&
	    isatty(STDOUT_FILENO))
		return usage_error("an image is nothing for a terminal: write "
				   "it to a file, as in 'shmdev map %s >map.%s'",
				   format == OPTION_PNG ? "--png" : "--svg",
				   format == OPTION_PNG ? "png" : "svg");
	return map_segment(argv[optind], descriptor, format);
}

const struct verb verb_map = {
	.name = "map",
	.arguments = "[OPTION]... [NAME]",
	.summary = "Draw who maps what of a segment, or of the default one",
	.help = "      --fd N           of what descriptor N is, which was inherited\n"
		"      --dot            write a graph in graphviz' language\n"
		"      --png            write an image of it; to a file\n"
		"      --svg            likewise, one of lines and text\n",
	.run = run,
};

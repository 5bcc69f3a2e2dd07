// SPDX-License-Identifier: GPL-2.0-only
/* The map of a segment as a graph, which graphviz draws. */
#include <errno.h>
#include <langinfo.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

/*
 * Text of others, between the quotes of a label. Graphviz takes a backslash
 * there for the beginning of an escape and an ampersand for that of an entity,
 * and expects UTF-8. Labels of records have a language of their own: nobody
 * else's text goes there.
 */
static int print_label(FILE *to, const char *text)
{
	bool is_utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	char *printable;
	size_t size;
	FILE *memory = open_memstream(&printable, &size);
	const char *at;

	if (!memory)
		return -errno;
	print_text(memory, text);
	if (fclose(memory)) {
		free(printable);
		return -ENOMEM;
	}
	for (at = printable; *at; at++) {
		if (*at == '"' || *at == '\\')
			fprintf(to, "\\%c", *at);
		else if (*at == '&')
			fputs("&amp;", to);
		else if ((unsigned char)*at >= 0x80 && !is_utf8)
			fprintf(to, "\\\\x%02x", (unsigned char)*at);
		else
			fputc(*at, to);
	}
	free(printable);
	return 0;
}

static int write_segment(const struct map *map, FILE *to)
{
	char begin[EXACT_BYTES_SIZE], end[EXACT_BYTES_SIZE];
	uint64_t pages;
	size_t i;
	int ret;

	fprintf(to, "\tsubgraph cluster_segment {\n\t\tlabel=\"%s",
		map_kind(map));
	ret = print_label(to, map->segment.name);
	if (ret < 0)
		return ret;
	fprintf(to, "\"\n\t\tsegment [label=\"");
	for (i = 0; i < map->range_count; i++) {
		const struct range *range = &map->ranges[i];

		exact_bytes(range->offset, begin);
		exact_bytes(range->offset + range->bytes, end);
		pages = map_pages(range);
		fprintf(to, "%s<r%zu> %s-%s\\n%ju page%s", i ? "|" : "", i,
			begin, end, (uintmax_t)pages, pages == 1 ? "" : "s");
	}
	fprintf(to, "\"]\n\t}\n");
	return 0;
}

/* An arrow says which way data goes. */
static const char *direction(uint32_t flags)
{
	switch (flags & (SHMDEV_MAPPING_READ | SHMDEV_MAPPING_WRITE)) {
	case SHMDEV_MAPPING_READ | SHMDEV_MAPPING_WRITE:
		return flags & SHMDEV_MAPPING_SHARED ? "both" : "back";
	case SHMDEV_MAPPING_READ:
		return "back";
	case SHMDEV_MAPPING_WRITE:
		return flags & SHMDEV_MAPPING_SHARED ? "forward" : "none";
	default:
		return "none";
	}
}

/* The views from @first to @end. */
static int write_process(const struct map *map, size_t first, size_t end,
			 FILE *to)
{
	const struct shmdev_mapping_info *process = &map->views[first].mapping;
	char rights[VIEW_RIGHTS_SIZE];
	char place[VIEW_PLACE_SIZE];
	size_t i, range;
	int ret;

	fprintf(to, "\tsubgraph cluster_process%d {\n\t\tlabel=\"",
		process->pid);
	if (process->pid)
		fprintf(to, "process %d\\n", process->pid);
	else
		fprintf(to, "not visible from here");
	ret = print_label(to, process->command);
	if (ret < 0)
		return ret;
	fprintf(to, "\"\n\t\tprocess%d [label=\"", process->pid);
	for (i = first; i < end; i++) {
		view_place(&map->views[i], place);
		view_rights(map->views[i].mapping.flags, rights);
		fprintf(to, "%s<v%zu> %s\\n%s", i > first ? "|" : "", i, place,
			rights);
	}
	fprintf(to, "\"]\n\t}\n");
	for (i = first; i < end; i++) {
		const struct view *view = &map->views[i];

		for (range = view->first; range < view->end; range++)
			fprintf(to, "\tprocess%d:v%zu:e -> segment:r%zu:w "
				"[dir=%s%s]\n", process->pid, i, range,
				direction(view->mapping.flags),
				view->mapping.flags & SHMDEV_MAPPING_SHARED ?
				"" : " style=dashed");
	}
	return 0;
}

static int write_kernel(const struct map *map, FILE *to)
{
	int ret;

	fprintf(to, "\tsubgraph cluster_kernel {\n\t\tlabel=\"the kernel%s",
		*map->segment.endpoint ? "\\nendpoint " : "");
	ret = print_label(to, map->segment.endpoint);
	if (ret < 0)
		return ret;
	fprintf(to, "\"\n\t\tkernel [label=\"%s\"]\n\t}\n",
		map_kernel_state(map));
	fprintf(to, "\tsegment -> kernel [%s]\n",
		map_kernel_has_view(map) ? "dir=both" : "style=invis");
	return 0;
}

int graph_write(const struct map *map, FILE *to)
{
	size_t i, end;
	int ret;

	fprintf(to, "digraph shmdev {\n"
		"\trankdir=LR\n"
		"\tranksep=1.5\n"
		"\tgraph [fontname=monospace]\n"
		"\tnode [fontname=monospace shape=record]\n");
	ret = write_segment(map, to);
	for (i = 0; !ret && i < map->view_count; i = end) {
		end = map_process_end(map, i);
		ret = write_process(map, i, end, to);
	}
	if (!ret)
		ret = write_kernel(map, to);
	fprintf(to, "}\n");
	return ret;
}

/* Runs dot, whose standard input is the file @from; a status. */
static int run_dot(int from, const char *format)
{
	char *const arguments[] = { "dot", (char *)format, NULL };
	posix_spawn_file_actions_t actions;
	int status, error;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, from, STDIN_FILENO);
	error = posix_spawnp(&pid, arguments[0], &actions, NULL, arguments,
			     environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error == ENOENT) {
		say("there is no program 'dot'; install graphviz");
		return STATUS_FAILED;
	}
	if (error) {
		say("cannot run 'dot': %s", strerror(error));
		return STATUS_FAILED;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		say("'dot' has failed; 'shmdev map --dot' shows what it was "
		    "given");
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

/* By a file, not a pipe: dot may end before it has read all. */
int graph_image(const struct map *map, const char *format)
{
	int fd = memfd_create("graph", MFD_CLOEXEC);
	FILE *graph = fd < 0 ? NULL : fdopen(fd, "w");
	int status = STATUS_FAILED;
	int ret;

	ret = graph ? graph_write(map, graph) : -errno;
	if (ret == 0 && fflush(graph))
		ret = -errno;
	if (ret == 0 && lseek(fd, 0, SEEK_SET) < 0)
		ret = -errno;
	if (ret < 0)
		say("cannot write a graph: %s", strerror(-ret));
	else
		status = run_dot(fd, format);
	if (graph)
		fclose(graph);
	return status;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct verb *const verbs[] = {
	&verb_hello,
	&verb_learn,
	&verb_load,
	&verb_unload,
	&verb_create,
	&verb_ls,
	&verb_stat,
	&verb_ps,
	&verb_map,
	&verb_peers,
	&verb_rm,
	&verb_chmod,
	&verb_chown,
	&verb_read,
	&verb_write,
	&verb_dump,
	&verb_kick,
	&verb_wait,
	&verb_wake,
	&verb_send,
	&verb_recv,
	&verb_watch,
	&verb_top,
};

#define VERB_COUNT (sizeof(verbs) / sizeof(*verbs))

static const struct verb *current;
static const char *device = DEVICE_PATH;

const char *verb_name(void)
{
	return current ? current->name : NULL;
}

const char *device_path(void)
{
	return device;
}

static void print_help(void)
{
	size_t i;

	printf("Usage: shmdev VERB [OPTION]... [ARGUMENT]...\n"
	       "Memory that the kernel and processes use together.\n\n");
	for (i = 0; i < VERB_COUNT; i++)
		printf("  %-8s %s\n", verbs[i]->name, verbs[i]->summary);
	printf("\n"
	       "  --help      this text; shmdev VERB --help: that of a verb\n"
	       "  --version   the version of this tool\n\n"
	       "All verbs take --device PATH, in place of " DEVICE_PATH ".\n"
	       "The manual: man shmdev\n");
}

static void print_verb_help(void)
{
	printf("Usage: shmdev %s %s\n%s.\n\n%s", current->name,
	       current->arguments, current->summary, current->help);
	printf("      --device PATH    use this in place of " DEVICE_PATH "\n"
	       "      --help           this text\n");
	if (current->table)
		table_help(current->table);
}

/* What could not be written to standard output is a failure, not a success. */
static int close_output(void)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (fclose(stdout) == 0 && !failed)
		return STATUS_OK;
	/* What went wrong earlier may not be known any more. */
	return output_failure(errno ? errno : EIO);
}

int next_option(int argc, char **argv, const char *shorts,
		const struct option *longs)
{
	for (;;) {
		int option = getopt_long(argc, argv, shorts, longs, NULL);

		switch (option) {
		case OPTION_DEVICE:
			device = optarg;
			break;
		case OPTION_HELP:
			print_verb_help();
			exit(close_output());
		case '?':
			fprintf(stderr, "Try 'shmdev %s --help'.\n",
				current->name);
			exit(STATUS_USAGE);
		default:
			return option;
		}
	}
}

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < VERB_COUNT; i++)
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	return NULL;
}

static int run_verb(int argc, char **argv)
{
	char *prefix;
	int status;

	current = find_verb(argv[0]);
	if (!current)
		return usage_error("there is no verb '%s'", argv[0]);
	/* getopt begins its messages with argv[0]. */
	if (asprintf(&prefix, "shmdev %s", current->name) < 0)
		return STATUS_FAILED;
	argv[0] = prefix;
	status = current->run(argc, argv);
	free(prefix);
	return status;
}

static int run(int argc, char **argv)
{
	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help();
		return STATUS_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("shmdev %s\n", shmdev_library_version());
		return STATUS_OK;
	}
	return run_verb(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int status, output;

	/* For names that are not ASCII. */
	setlocale(LC_CTYPE, "");
	status = run(argc, argv);
	output = close_output();
	return status ? status : output;
}

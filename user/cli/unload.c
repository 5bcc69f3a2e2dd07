// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libkmod.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct option options[] = {
	COMMON_OPTIONS
};

/*
 * The same name may be in use in another container: 0 only if it led to the
 * segment that is meant.
 */
static int open_listed(const struct shmdev_device *device,
		       const struct shmdev_segment_info *info,
		       struct shmdev_segment **segment)
{
	const char *name = *info->name ? info->name : NULL;
	struct shmdev_segment_info found = { .size = sizeof(found) };
	int ret = connect_segment_somehow(device, name, segment);

	if (ret < 0)
		return ret;
	ret = shmdev_segment_info(*segment, &found);
	if (!ret && found.id != info->id)
		ret = -ENOENT;
	if (ret < 0)
		shmdev_segment_close(*segment);
	return ret;
}

static void say_mapping(const struct shmdev_mapping_info *mapping,
			const char *name)
{
	fprintf(stderr, "  process %d (", mapping->pid);
	print_text(stderr, mapping->command);
	fprintf(stderr, ") has %s", *name ? "segment " : "the default segment");
	print_text(stderr, name);
	fprintf(stderr, " mapped; end it\n");
}

static void say_mappings(const struct shmdev_device *device,
			 const struct shmdev_segment_info *info)
{
	struct shmdev_mapping_info mapping = { .size = sizeof(mapping) };
	struct shmdev_mapping_list *list;
	struct shmdev_segment *segment;
	size_t i;
	int ret;

	if (open_listed(device, info, &segment) < 0)
		return;
	ret = shmdev_segment_mappings(segment, &list);
	shmdev_segment_close(segment);
	if (ret < 0)
		return;
	for (i = 0; i < shmdev_mapping_list_count(list); i++) {
		shmdev_mapping_list_get(list, i, &mapping);
		say_mapping(&mapping, info->name);
	}
	shmdev_mapping_list_free(list);
}

static void say_segment(const struct shmdev_segment_info *info)
{
	fprintf(stderr, "  segment ");
	print_text(stderr, *info->name ? info->name : "(anonymous)");
	if (info->flags & SHMDEV_SEGMENT_KEEP)
		fprintf(stderr, " is kept; remove it: shmdev rm --id %ju\n",
			(uintmax_t)info->id);
	else
		fprintf(stderr, " is in use\n");
}

static void say_segments(void)
{
	struct shmdev_segment_info info = { .size = sizeof(info) };
	struct shmdev_segment_list *list;
	struct shmdev_device *device;
	size_t i;
	int ret;

	if (shmdev_device_open(device_path(), O_RDONLY, &device) < 0)
		return;
	ret = shmdev_device_list(device, SHMDEV_LIST_EVERYWHERE, &list);
	if (!ret) {
		for (i = 0; i < shmdev_segment_list_count(list); i++) {
			shmdev_segment_list_get(list, i, &info);
			if (!(info.flags & SHMDEV_SEGMENT_DEFAULT))
				say_segment(&info);
			say_mappings(device, &info);
		}
		shmdev_segment_list_free(list);
	}
	shmdev_device_close(device);
}

/* Is this what a descriptor of the device or of a segment leads to? */
static bool is_ours(const char *target)
{
	return !strcmp(target, DEVICE_PATH) ||
	       !strncmp(target, "/shmdev:", strlen("/shmdev:")) ||
	       !strcmp(target, "/shmdev (deleted)");
}

static void say_descriptor(const char *link)
{
	char target[PATH_MAX];
	char command[32] = "?\n";
	char path[64];
	FILE *comm;
	long pid = strtol(link + strlen("/proc/"), NULL, 10);
	ssize_t length = readlink(link, target, sizeof(target) - 1);

	if (length < 0)
		return;
	target[length] = '\0';
	if (!is_ours(target) || pid == getpid())
		return;
	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	comm = fopen(path, "re");
	if (comm) {
		if (!fgets(command, sizeof(command), comm))
			*command = '\0';
		fclose(comm);
	}
	command[strcspn(command, "\n")] = '\0';
	fprintf(stderr, "  process %ld (", pid);
	print_text(stderr, command);
	fprintf(stderr, ") has ");
	print_text(stderr, target);
	fprintf(stderr, " open; end it\n");
}

static void say_descriptors(void)
{
	glob_t links;
	size_t i;

	if (glob("/proc/[0-9]*/fd/*", GLOB_NOSORT, NULL, &links))
		return;
	for (i = 0; i < links.gl_pathc; i++)
		say_descriptor(links.gl_pathv[i]);
	globfree(&links);
}

static void say_modules(const struct kmod_module *module)
{
	struct kmod_list *holders = kmod_module_get_holders(module), *entry;

	kmod_list_foreach(entry, holders) {
		struct kmod_module *holder = kmod_module_get_module(entry);

		fprintf(stderr, "  module %s uses it; unload that first\n",
			kmod_module_get_name(holder));
		kmod_module_unref(holder);
	}
	kmod_module_unref_list(holders);
}

static int unload_failure(const struct kmod_module *module, int error)
{
	switch (-error) {
	case ENOENT:
		say("the module is not loaded: there is nothing to do");
		return STATUS_OK;
	case EPERM:
	case EACCES:
		say("only root may unload a module; try 'sudo shmdev unload'");
		return STATUS_DENIED;
	case EAGAIN:
	case EBUSY:
		say("the module is in use by a program, a kept segment or "
		    "another module; end that use, then try again");
		say_segments();
		say_descriptors();
		say_modules(module);
		return STATUS_FAILED;
	default:
		say("cannot unload the module: %s", strerror(-error));
		return STATUS_FAILED;
	}
}

static int run(int argc, char **argv)
{
	struct kmod_module *module;
	struct kmod_ctx *kmod;
	int status = STATUS_OK;
	int ret;

	next_option(argc, argv, "", options);
	if (optind < argc)
		return usage_error("'%s' is one argument too many",
				   argv[optind]);
	kmod = kmod_new(NULL, NULL);
	ret = kmod ? kmod_module_new_from_name(kmod, "shmdev", &module) :
		     -ENOMEM;
	if (ret < 0) {
		say("cannot look for the module: %s", strerror(-ret));
		kmod_unref(kmod);
		return STATUS_FAILED;
	}
	kmod_set_log_priority(kmod, -1);
	ret = kmod_module_remove_module(module, KMOD_REMOVE_NOLOG);
	if (ret < 0)
		status = unload_failure(module, ret);
	kmod_module_unref(module);
	kmod_unref(kmod);
	return status;
}

const struct verb verb_unload = {
	.name = "unload",
	.arguments = "",
	.summary = "Unload the module; for root",
	.help = "",
	.run = run,
};

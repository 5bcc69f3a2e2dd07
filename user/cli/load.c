// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libkmod.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

static const struct option options[] = {
	COMMON_OPTIONS
};

/* The module in a build, where the tool is user/shmdev. The caller frees it. */
static char *find_in_build(void)
{
	struct utsname system;
	char *relative, *path;

	if (uname(&system) ||
	    asprintf(&relative, "../driver/%s/shmdev.ko", system.release) < 0)
		return NULL;
	path = find_beside(relative);
	free(relative);
	return path;
}

static int insert(struct kmod_module *module, const char *parameters)
{
	return kmod_module_probe_insert_module(module,
					       KMOD_PROBE_FAIL_ON_LOADED,
					       parameters, NULL, NULL, NULL);
}

static int insert_by_name(struct kmod_ctx *kmod, const char *name,
			  const char *parameters)
{
	struct kmod_list *modules = NULL, *entry;
	int ret = kmod_module_new_from_lookup(kmod, name, &modules);

	if (!ret && !modules)
		ret = -ENOENT;
	kmod_list_foreach(entry, modules) {
		struct kmod_module *module = kmod_module_get_module(entry);

		ret = insert(module, parameters);
		kmod_module_unref(module);
		if (ret < 0)
			break;
	}
	kmod_module_unref_list(modules);
	return ret;
}

/* @names: separated by commas. */
static int insert_needed(struct kmod_ctx *kmod, const char *names)
{
	char *copy = strdup(names);
	char *rest = copy;
	char *name;
	int ret = copy ? 0 : -ENOMEM;

	while (!ret && (name = strsep(&rest, ","))) {
		if (*name)
			ret = insert_by_name(kmod, name, NULL);
		if (ret == -EEXIST)
			ret = 0;
	}
	free(copy);
	return ret;
}

/*
 * A file outside the module directory is in no index of modules: what it
 * depends on is read from the file itself.
 */
static int insert_dependencies(struct kmod_ctx *kmod,
			       struct kmod_module *module)
{
	struct kmod_list *info = NULL, *entry;
	int ret = kmod_module_get_info(module, &info);

	if (ret < 0)
		return ret;
	ret = 0;
	kmod_list_foreach(entry, info) {
		if (strcmp(kmod_module_info_get_key(entry), "depends"))
			continue;
		ret = insert_needed(kmod, kmod_module_info_get_value(entry));
		if (ret < 0)
			break;
	}
	kmod_module_info_free_list(info);
	return ret;
}

static int insert_by_path(struct kmod_ctx *kmod, const char *path,
			  const char *parameters)
{
	struct kmod_module *module;
	int ret = kmod_module_new_from_path(kmod, path, &module);

	if (ret < 0)
		return ret;
	ret = insert_dependencies(kmod, module);
	if (!ret)
		ret = insert(module, parameters);
	kmod_module_unref(module);
	return ret;
}

static int load_failure(const char *path, int error)
{
	struct utsname system;

	uname(&system);
	switch (-error) {
	case EPERM:
	case EACCES:
		if (geteuid())
			say("only root may load a module; try 'sudo shmdev "
			    "load'");
		else
			say("the kernel does not accept the module, even from "
			    "root; is module loading locked down or disabled?");
		return STATUS_DENIED;
	case ENOENT:
		if (path)
			say("there is no module %s, or one that it needs is "
			    "missing", path);
		else
			say("there is no module shmdev for kernel %s; build "
			    "and install it, or name its file: shmdev load "
			    "PATH", system.release);
		return STATUS_ABSENT;
	case ENOEXEC:
		say("the module does not fit the running kernel %s; build it "
		    "against the headers of that kernel. The kernel's log "
		    "(dmesg) tells more", system.release);
		return STATUS_FAILED;
	case EKEYREJECTED:
	case ENOKEY:
	case EBADMSG:
		say("the kernel takes only modules signed with a key that it "
		    "knows (Secure Boot?); sign the module and enroll the key "
		    "with mokutil");
		return STATUS_FAILED;
	case EINVAL:
		say("the module does not accept its parameters: such as "
		    "size=64M, see shmdev(4). The kernel's log (dmesg) tells "
		    "more");
		return STATUS_FAILED;
	case ENOMEM:
		say("there is not enough memory for the default segment; "
		    "choose a smaller one: shmdev load size=1M");
		return STATUS_FAILED;
	default:
		say("cannot load the module: %s; the kernel's log (dmesg) "
		    "may tell more", strerror(-error));
		return STATUS_FAILED;
	}
}

/* udev may be a moment behind with the rights of the device. */
static int wait_for_device(void)
{
	const struct timespec moment = { .tv_nsec = 20 * 1000L * 1000 };
	int patience;

	for (patience = 250; patience; patience--) {
		if (!access(device_path(), F_OK))
			return STATUS_OK;
		nanosleep(&moment, NULL);
	}
	say("the module is loaded, but %s did not appear; is a devtmpfs "
	    "mounted on /dev?", device_path());
	return STATUS_ABSENT;
}

/* @path: NULL for the installed module. @parameters: NULL for none. */
static int load(const char *path, const char *parameters)
{
	struct kmod_ctx *kmod;
	int ret = -ENOMEM;

	kmod = kmod_new(NULL, NULL);
	/* What goes wrong is told below, once. */
	if (kmod)
		kmod_set_log_priority(kmod, -1);
	if (kmod)
		ret = path ? insert_by_path(kmod, path, parameters) :
			     insert_by_name(kmod, "shmdev", parameters);
	kmod_unref(kmod);
	if (ret == -EEXIST && parameters) {
		say("the module is loaded already, with its own parameters; "
		    "unload it first with 'shmdev unload'");
		return STATUS_FAILED;
	}
	if (ret == -EEXIST)
		say("the module is loaded already");
	else if (ret < 0)
		return load_failure(path, ret);
	return wait_for_device();
}

/* A parameter has its '=' before any slash; a path has not. */
static bool is_parameter(const char *argument)
{
	return argument[strcspn(argument, "=/")] == '=';
}

/* Joined with blanks; the caller frees it. NULL if there is no memory. */
static char *join_parameters(char **arguments, size_t count)
{
	char *text = NULL;
	size_t size, i;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	for (i = 0; i < count; i++)
		fprintf(to, "%s%s", i ? " " : "", arguments[i]);
	if (fclose(to)) {
		free(text);
		return NULL;
	}
	return text;
}

static int run(int argc, char **argv)
{
	const char *path = NULL;
	char *parameters = NULL;
	char *built = NULL;
	int status;
	int i;

	next_option(argc, argv, "", options);
	if (optind < argc && !is_parameter(argv[optind]))
		path = argv[optind++];
	for (i = optind; i < argc; i++)
		if (!is_parameter(argv[i]))
			return usage_error("'%s' is not a parameter such as "
					   "size=64M", argv[i]);
	if (optind < argc) {
		parameters = join_parameters(argv + optind, argc - optind);
		if (!parameters)
			return load_failure(path, -ENOMEM);
	}
	if (!path)
		built = find_in_build();
	status = load(path ? path : built, parameters);
	free(built);
	free(parameters);
	return status;
}

const struct verb verb_load = {
	.name = "load",
	.arguments = "[PATH] [PARAMETER=VALUE]...",
	.summary = "Load the module, and what it needs; for root",
	.help = "Without a PATH, the module that was built beside this tool "
		"for the running kernel,\n"
		"else the installed one. A parameter is one such as "
		"size=64M.\n\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-2.0-only
/* Messages: what is wrong; what to do. */
#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "cli.h"

static void say_begin(void)
{
	fflush(stdout);
	if (verb_name())
		fprintf(stderr, "shmdev %s: ", verb_name());
	else
		fprintf(stderr, "shmdev: ");
}

void say(const char *format, ...)
{
	va_list arguments;

	say_begin();
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

int usage_error(const char *format, ...)
{
	va_list arguments;

	say_begin();
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	if (verb_name())
		fprintf(stderr, "; try 'shmdev %s --help'\n", verb_name());
	else
		fprintf(stderr, "; try 'shmdev --help'\n");
	return STATUS_USAGE;
}

size_t print_text(FILE *to, const char *text)
{
	size_t rest = strlen(text);
	mbstate_t state = { };
	wchar_t character;
	size_t columns = 0;
	size_t length;

	for (; rest; rest -= length, text += length) {
		length = mbrtowc(&character, text, rest, &state);
		if (length <= rest && iswprint(character)) {
			fwrite(text, 1, length, to);
			columns += wcwidth(character);
			continue;
		}
		memset(&state, 0, sizeof(state));
		length = 1;
		columns += fprintf(to, "\\x%02x", (unsigned char)*text);
	}
	return columns;
}

int output_failure(int error)
{
	static bool said;

	/* It is found once more when the output is closed. */
	if (!said)
		say("cannot write the output: %s", strerror(error));
	said = true;
	return STATUS_FAILED;
}

static int device_absent(const char *path, int error)
{
	if (!strcmp(path, DEVICE_PATH) && access("/sys/module/shmdev", F_OK)) {
		say("there is no %s: the module is not loaded; "
		    "load it with 'shmdev load', as root", path);
	} else if (error == ENOENT && !strcmp(path, DEVICE_PATH)) {
		say("the module is loaded, but there is no %s; "
		    "is a devtmpfs mounted on /dev?", path);
	} else {
		say("there is no device %s (%s); the usual one is "
		    DEVICE_PATH, path, strerror(error));
	}
	return STATUS_ABSENT;
}

static int device_denied(const char *path)
{
	struct stat file;
	struct group *group;

	if (stat(path, &file) || !file.st_gid || !(file.st_mode & 0060)) {
		say("no permission to use %s, which is root's; run as root, "
		    "or install the udev rule that gives it to group shmdev",
		    path);
		return STATUS_DENIED;
	}
	group = getgrgid(file.st_gid);
	if (group)
		say("no permission to use %s; ask your administrator to add "
		    "you to group %s, then log in again", path,
		    group->gr_name);
	else
		say("no permission to use %s, which is for group %u; ask your "
		    "administrator", path, file.st_gid);
	return STATUS_DENIED;
}

int device_failure(int error)
{
	const char *path = device_path();

	switch (-error) {
	case ENOENT:
	case ENOTDIR:
	case ENXIO:
	case ENODEV:
		return device_absent(path, -error);
	case EACCES:
	case EPERM:
		return device_denied(path);
	case ENOTTY:
	case EISDIR:
		say("%s is not a shmdev device; the usual one is " DEVICE_PATH,
		    path);
		return STATUS_FAILED;
	default:
		say("cannot open %s: %s", path, shmdev_strerror(error));
		return STATUS_FAILED;
	}
}

static const char *cure(int error)
{
	switch (-error) {
	case E2BIG:
		return "install a driver as new as this tool";
	case EACCES:
		return "its owner can allow it with 'shmdev chmod'";
	case EBADMSG:
		return "somebody wrote over it; remove it with 'shmdev rm', "
			"then 'shmdev create --ring'";
	case EBUSY:
		return "'shmdev peers' shows who; 'shmdev create --ring' "
			"takes --many for producers, --readers for a stream";
	case EDQUOT:
		return "remove some with 'shmdev rm', or as root raise "
			PARAMETERS "max_user_bytes";
	case EEXIST:
		return "choose another name, or remove that one with "
			"'shmdev rm' first";
	case EMFILE:
		return "raise 'ulimit -n'";
	case ENAMETOOLONG:
		return "names have up to 63 bytes, names of endpoints up to 31";
	case ENFILE:
		return "remove some with 'shmdev rm', or as root raise "
			PARAMETERS "max_segments";
	case ENODATA:
		return "make a segment that has one with 'shmdev create "
			"--ring'";
	case ENOENT:
		return "'shmdev ls' shows those that there are";
	case ENOMEM:
		return "choose a smaller size, or free memory; in a container "
			"its limit counts";
	case ENOPROTOOPT:
		return "load the module that brings it; 'hello' is always "
			"there";
	case ENOSPC:
		return "remove some with 'shmdev rm', or as root raise "
			PARAMETERS "max_bytes";
	case ENOTCONN:
		return "an endpoint is given with 'shmdev create --endpoint'";
	case EOPNOTSUPP:
		return "let this program use membarrier(2), or make the ring "
			"without --asymmetric";
	case EPERM:
		return "run it as that user or as root";
	case ESHUTDOWN:
		return "load its module again, then create a new segment";
	default:
		return NULL;
	}
}

int segment_failure(const char *doing, const char *name, int error)
{
	const char *what_to_do = cure(error);
	const char *quote = name ? "'" : "";

	say("cannot %s %s%s%s: %s%s%s", doing, quote,
	    name ? name : "the default segment", quote, shmdev_strerror(error),
	    what_to_do ? "; " : "", what_to_do ? what_to_do : "");
	return error == -EACCES || error == -EPERM ? STATUS_DENIED :
						     STATUS_FAILED;
}

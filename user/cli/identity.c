// SPDX-License-Identifier: GPL-2.0-only
#include <grp.h>
#include <pwd.h>

#include "cli.h"

void print_user(FILE *to, uid_t uid)
{
	struct passwd *user = getpwuid(uid);

	if (user)
		fputs(user->pw_name, to);
	else
		fprintf(to, "%u", uid);
}

void print_group(FILE *to, gid_t gid)
{
	struct group *group = getgrgid(gid);

	if (group)
		fputs(group->gr_name, to);
	else
		fprintf(to, "%u", gid);
}

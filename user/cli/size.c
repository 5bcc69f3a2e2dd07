// SPDX-License-Identifier: GPL-2.0-only
/* Numbers and sizes on the command line and in what we print. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"

/* @end: the first character that does not belong to the number. */
static int parse_digits(const char *text, uint64_t *number, const char **end)
{
	bool hexadecimal = text[0] == '0' && (text[1] | 0x20) == 'x';
	const char *digits = text + (hexadecimal ? 2 : 0);
	unsigned long long value;
	char *after;

	/* strtoull() would take blanks and signs too. */
	if (!(hexadecimal ? isxdigit((unsigned char)*digits) :
			    isdigit((unsigned char)*digits)))
		return -EINVAL;
	errno = 0;
	value = strtoull(digits, &after, hexadecimal ? 16 : 10);
	if (errno)
		return -ERANGE;
	*number = value;
	*end = after;
	return 0;
}

int parse_number(const char *text, uint64_t *number)
{
	const char *end;
	uint64_t value;
	int ret = parse_digits(text, &value, &end);

	if (ret < 0)
		return ret;
	if (*end)
		return -EINVAL;
	*number = value;
	return 0;
}

int parse_bytes(const char *text, uint64_t *bytes)
{
	static const char units[] = "kmgt";
	const char *end, *unit;
	unsigned int shift = 0;
	uint64_t value;
	int ret = parse_digits(text, &value, &end);

	if (ret < 0)
		return ret;
	if (*end) {
		unit = strchr(units, tolower((unsigned char)*end));
		if (!unit || (end[1] && strcasecmp(end + 1, "ib")))
			return -EINVAL;
		shift = 10 * (unit - units + 1);
	}
	if (value << shift >> shift != value)
		return -ERANGE;
	*bytes = value << shift;
	return 0;
}

int bytes_argument(const char *what, const char *text, uint64_t *bytes)
{
	switch (-parse_bytes(text, bytes)) {
	case 0:
		return STATUS_OK;
	case ERANGE:
		return usage_error("the %s '%s' is too large", what, text);
	default:
		return usage_error("the %s '%s' is not one such as 4096, 64K, "
				   "64M, 2G or 64MiB", what, text);
	}
}

int number_argument(const char *what, const char *text, uint64_t *number)
{
	if (parse_number(text, number) == 0)
		return STATUS_OK;
	return usage_error("the %s '%s' is not a number such as 42 or 0x2a",
			   what, text);
}

int mode_argument(const char *text, mode_t *mode)
{
	char *end;
	unsigned long value = strtoul(text, &end, 8);

	if (!isdigit((unsigned char)*text) || *end || value > 0777)
		return usage_error("the mode '%s' is not an octal one from 0 "
				   "to 0777, such as 0660", text);
	*mode = value;
	return STATUS_OK;
}

void print_bytes(FILE *to, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	unsigned int unit;
	uint64_t tenths;

	if (bytes < 1024) {
		fprintf(to, "%" PRIu64, bytes);
		return;
	}
	for (unit = 0; unit < 5 && bytes >> (10 * (unit + 2)); unit++)
		;
	/* In tenths of the unit, rounded, by way of 1024ths. */
	tenths = ((bytes >> (10 * unit)) * 10 + 512) >> 10;
	if (tenths % 10)
		fprintf(to, "%" PRIu64 ".%" PRIu64 "%c", tenths / 10,
			tenths % 10, units[unit]);
	else
		fprintf(to, "%" PRIu64 "%c", tenths / 10, units[unit]);
}

void exact_bytes(uint64_t bytes, char text[EXACT_BYTES_SIZE])
{
	static const char units[] = "\0KMGTPE";
	unsigned int unit = 0;

	while (bytes && !(bytes % 1024)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, EXACT_BYTES_SIZE, "%" PRIu64 "%.1s", bytes,
		 &units[unit]);
}

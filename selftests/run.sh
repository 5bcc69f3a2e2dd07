#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs every program beside this one, or those named, and shows their TAP
# output. Exits with 1 if one failed or could not run here at all.
# usage: run.sh [PROGRAM...]

cd "$(dirname "$0")" || exit 1

# quiet looks back at what the others made the kernel say, so it comes last;
# hold is tool.sh's; lives, fuzz and ring_death take long, failnth needs a debug
# kernel, and poison costs the machine memory.
if [ $# -eq 0 ]; then
	for program in *; do
		case $program in
		run.sh | quiet | hold | lives | failnth | fuzz | ring_death | poison) continue ;;
		esac
		[ ! -f "$program" ] || [ ! -x "$program" ] ||
			set -- "$@" "$program"
	done
	[ ! -x quiet ] || set -- "$@" quiet
fi
if [ $# -eq 0 ]; then
	echo "run.sh: there is no test program in $PWD; build them first" >&2
	exit 1
fi

failed=0
for program; do
	echo "# program $program"
	"./$program" 2>&1
	status=$?
	[ $status -eq 0 ] || failed=1
	[ $status -lt 2 ] || echo "# $program ended with status $status"
done
exit $failed

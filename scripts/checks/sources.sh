# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# What can be said about the tree by reading it.

stock+=(spdx checkpatch shellcheck codespell man kernel-doc version-tests
	registries sample-lines)
before checkpatch scripts/kernel tools
before kernel-doc scripts/kernel tools

# The files of the tree that are ours, by find's conditions.
ours() {
	find . \( -path ./.build -o -path ./.git \) -prune -o -type f \
		! -path './driver/.*' "$@" -print
}

# kselftest's own scripts read selftests/config and settings.
check_spdx() {
	local file bad=0
	while read -r file; do
		head -n 2 "$file" | grep -q SPDX-License-Identifier || {
			echo "$file says no licence"
			bad=1
		}
	done < <(ours ! -path './LICENSES/*' ! -name '*.md' ! -name .gitignore \
		! -path ./selftests/config ! -path ./selftests/settings)
	return $bad
}

# checkpatch.pl's rules that are not for us. They are a list of words, since
# checkpatch wants them with commas.
#
# The operations of a segment file are a copy of shmem's, made at load.
not_const=CONST_STRUCT
# Testing kernel versions is what compat.h is there for.
not_compat=LINUX_VERSION_CODE,CONSTANT_COMPARISON
# Trace events are written as the kernel's own are.
not_trace=PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE
# User space has <stdint.h>, _Static_assert, attributes by their own names and no
# BIT(); its messages are as long as sentences, its macros take the names of
# types and members, and some are the entries of a table.
not_user=PREFER_KERNEL_TYPES,CAMELCASE,PREFER_DEFINED_ATTRIBUTE_MACRO,BIT_MACRO
not_user+=,SPLIT_STRING,MACRO_ARG_REUSE,COMPLEX_MACRO
# The tests watch memory that others write, ask for system calls that may not
# be there, and use a harness whose macros return and whose FIXTURE_DATA(x) *self
# looks like a product.
not_tests=VOLATILE,ENOSYS,MACRO_WITH_FLOW_CONTROL,SPACING,STATIC_CONST_CHAR_ARRAY

check_checkpatch() {
	local tools dir=$scratch/checkpatch bad=0
	tools=$(scripts/kernel tools)
	# It leaves a file behind where it runs.
	mkdir "$dir"
	ln -s "$top"/{driver,include,user,selftests} "$dir"
	cd "$dir" || return
	patch() {
		local ignore=FILE_PATH_CHANGES,$1
		shift
		find -L driver include user selftests -name '*.[ch]' "$@" -print0 |
			xargs -0r "$tools/scripts/checkpatch.pl" --no-tree \
				--root=. --strict --terse --show-types \
				--no-summary --ignore "$ignore" -f || bad=1
	}
	patch "$not_const" -path 'driver/*' ! -name trace.h ! -name compat.h
	patch "$not_compat" -path driver/compat.h
	patch "$not_trace" -path driver/trace.h
	patch NONE -path 'include/*'
	patch "$not_user" -path 'user/*'
	patch "$not_user,$not_tests" -path 'selftests/*'
	return $bad
}

check_shellcheck() {
	shell_scripts | xargs shellcheck --external-sources --source-path=SCRIPTDIR
}

shell_scripts() {
	local file
	ours ! -name '*.c' ! -name '*.h' ! -path './LICENSES/*' |
		while read -r file; do
			case $(head -n 1 "$file") in
			'#!'*sh) echo "$file" ;;
			esac
		done
	ours -name '*.sh'
}

check_codespell() {
	# .Nd is a macro of manual pages.
	ours ! -path './LICENSES/*' | xargs codespell --ignore-words-list=nd
}

check_man() {
	local pages
	mapfile -t pages < <(ours -path './user/man/*.[0-9]')
	[ ${#pages[@]} -gt 0 ] || {
		echo "there is no manual page"
		return 1
	}
	mandoc -T lint -W warning "${pages[@]}"
}

check_kernel_doc() {
	local tools headers
	tools=$(scripts/kernel tools)
	mapfile -t headers < <(ours -path './include/*.h' -o -type f \
		-path './driver/*.[ch]' -print)
	perl "$tools/scripts/kernel-doc" -none -Werror "${headers[@]}"
}

check_version_tests() {
	if grep -rnE 'LINUX_VERSION_|KERNEL_VERSION\(' driver include \
		--include='*.[ch]' --exclude=compat.h; then
		return 1
	fi
}

# No address of a package registry or mirror belongs in here.
check_registries() {
	local hosts='(deb|ftp|archive|security|snapshot|mirrors?)\.[a-z.]*(debian|ubuntu)'
	hosts+='|(registry|proxy|index|files)\.[a-z]+\.(org|com|io)'
	hosts+='|(pypi|crates|npmjs|rubygems)\.(org|io|com)'
	if ours | xargs grep -nE "$hosts"; then
		return 1
	fi
}

# Without comments and empty lines.
code_lines() {
	cat "$@" | gcc -fpreprocessed -dD -E -P -x c - 2>/dev/null | grep -c .
}

# What a driver saves is said in the manual, in figures.
check_sample_lines() {
	local adc by_hand
	adc=$(code_lines driver/samples/shmdev_adc.c)
	by_hand=$(code_lines driver/samples/{shmdev_adc_by_hand.c,adc_by_hand.h})
	echo "the manual should say: $adc lines of code; by hand, $by_hand."
	grep -qxF "$adc lines of code; by hand, $by_hand." user/man/shmdev.7
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# Mistakes that are found by reading further than a compiler does.

stock+=(struct-holes kept-vma)
debug+=(coccinelle analyzer clang-tidy)
before struct-holes scripts/kernel 6.1
before kept-vma scripts/kernel 6.1
before coccinelle prepare_static
before analyzer prepare_static
before clang-tidy prepare_static

prepare_static() {
	scripts/setup user static bench-machine
	scripts/kernel tools
}

# The kernel's scripts that are not run: what badzero finds, sparse does; the
# other one is about the tables of a single driver. They alone need a compiler of
# OCaml, which is larger than everything else here.
not_run='/(badzero|check_bq27xxx_data)\.cocci$'
# What spatch cannot parse it passes over, so this is all that it may: the macro
# that makes an entry of the table of commands, and a path that is only a dot.
not_parsed='_IOC_NR\(SHMDEV_IOC_##name\)|#define TRACE_INCLUDE_PATH \.$'

check_coccinelle() {
	local rules sources
	rules=$(scripts/kernel tools)/scripts/coccinelle
	mapfile -t sources < <(ours \( -path './driver/*.[ch]' -o \
		-path './include/linux/*.h' \))
	if spatch --parse-c "${sources[@]}" 2>&1 | grep '^BAD:' |
		grep -vE "$not_parsed"; then
		echo "spatch cannot parse these lines"
		return 1
	fi
	# shellcheck disable=SC2016 # for the shell that xargs starts
	find "$rules" -name '*.cocci' | grep -vE "$not_run" | sort |
		xargs -P "$(nproc)" -I {} bash -c '
			options=$(sed -n "s,^// Options: *,,p" "$1")
			said=$(spatch -D report --very-quiet --no-show-diff \
				$options --cocci-file "$@" 2>&1) ||
				said+=" (status $?)"
			said=$(grep -v "should .* be a metavariable?$" <<<"$said")
			[ -z "$said" ] || {
				echo "${1##*/}: $said"
				exit 1
			}' spatch {} "${sources[@]}"
}

user_flags=(-std=gnu11 -D_GNU_SOURCE= -D_FILE_OFFSET_BITS=64
	-DSHMDEV_VERSION='""' -DLESSONS_FROM_TOOL='""' -DSOURCES_FROM_TOOL='""'
	-Iinclude/uapi -Iuser/lib)

# What BPF runs is no program of C: it has no main() and is called by nobody.
user_sources() {
	find user -mindepth 2 -maxdepth 2 -name '*.c' ! -name '*.bpf.c' | sort
}

# Sets $libraries to where the headers of those are that the tool is built with,
# and of those that the benchmark compares with, if they are here: without them,
# what is read of it is that it says so.
find_libraries() {
	local packages peer
	read -ra packages < <(sed -n 's/^tool_packages := //p' user/Makefile)
	for peer in libdpdk libspa-0.2; do
		! pkg-config --exists "$peer" || packages+=("$peer")
	done
	read -ra libraries < <(pkg-config --cflags "${packages[@]}")
}

# What is optimized away the analyzer does not see; but that a failed ASSERT in
# the harness ends the test, it understands only with -O1.
check_analyzer() {
	local harness libraries bad=0
	harness=$(scripts/kernel tools)/tools/testing/selftests
	find_libraries
	analyze() {
		xargs -P "$(nproc)" -n 1 gcc "${user_flags[@]}" "$@" \
			-fanalyzer -fdiagnostics-path-format=none -Werror \
			-c -o /dev/null || bad=1
	}
	analyze -O0 "${libraries[@]}" < <(user_sources)
	analyze -O1 -isystem "$harness" -Idriver/samples \
		< <(ls selftests/*.c)
	return $bad
}

# What it looks for is in .clang-tidy, and why not for more.
check_clang_tidy() {
	local libraries
	find_libraries
	user_sources |
		xargs -P "$(nproc)" -I {} clang-tidy --quiet \
			--header-filter=/user/ {} -- \
			"${user_flags[@]}" "${libraries[@]}" 2>&1 |
		{ grep -v ' warnings\? generated\.$' || true; }
}

# The driver's own structs, as they are laid out for a kernel without debugging,
# whose locks are larger, go to the file $1.
own_structs() {
	local module dir
	module=$(scripts/module 6.1)
	dir=$(dirname "$module")/driver
	for module in "$module" "$dir"/samples/*.ko; do
		pahole --show_decl_info "$module"
	done | awk -v dir="$dir/" '
		/^\/\* Used at/ { ours = 0 }
		/^\/\* <[0-9a-f]+>/ { ours = index($3, dir) == 1 }
		ours' >"$1"
	if cat driver/*.[ch] driver/samples/*.c include/linux/*.h |
		sed -n 's/^struct [a-z_]* {/&/p' | grep -vxFf "$1"; then
		echo "pahole does not find these"
		return 1
	fi
}

check_struct_holes() {
	own_structs "$scratch/structs-holes"
	if grep -B 20 -A 2 -E 'XXX [0-9]+ (byte|bit)s? hole' \
		"$scratch/structs-holes"; then
		return 1
	fi
}

# A process splits, moves and frees its VMAs as it likes, so a pointer to one is
# good only while a lock is held: no struct has one, and no static variable.
check_kept_vma() {
	own_structs "$scratch/structs-vma"
	if grep -E '^\s+(const )?struct vm_area_struct\s' "$scratch/structs-vma" ||
		grep -rnE --include='*.[ch]' driver include/linux -e \
			'(^|static )([a-z_][^(]*)?struct vm_area_struct [^(]*;'; then
		return 1
	fi
}

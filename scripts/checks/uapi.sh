# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# The headers that programs include.

stock+=(uapi-c90 uapi-cxx uapi-layout)

# A program that sees each public structure.
uapi_source() {
	printf '#include <linux/%s>\n' shmdev.h shmdev_ring.h
	sed -n 's/^struct \([a-z0-9_]*\) {.*/struct \1 the_\1;/p' \
		include/uapi/linux/*.h
}

# <asm/...> is where only the 64-bit compiler of Debian looks.
uapi_flags=(-Iinclude/uapi -idirafter "/usr/include/$(gcc -print-multiarch 2>/dev/null)")

check_uapi_c90() {
	for bits in 64 32; do
		{ uapi_source && uapi_source | sed 's/the_/another_/'; } |
			gcc -m$bits -x c -std=c90 -pedantic -Wall -Wextra -Werror \
				"${uapi_flags[@]}" -fsyntax-only -
	done
}

check_uapi_cxx() {
	for standard in c++98 c++20; do
		{ uapi_source && uapi_source | sed 's/the_/another_/'; } |
			g++ -x c++ -std=$standard -pedantic -Wall -Wextra -Werror \
				"${uapi_flags[@]}" -fsyntax-only -
	done
}

check_uapi_layout() {
	local dir=$scratch/layout
	mkdir "$dir"
	for bits in 64 32; do
		uapi_source | gcc -m$bits -g -x c "${uapi_flags[@]}" \
			-c -o "$dir/$bits.o" -
		pahole "$dir/$bits.o" | grep -v 'cacheline' >"$dir/$bits"
	done
	if ! grep -q '^struct shmdev' "$dir/64"; then
		echo "pahole finds no structure"
		return 1
	fi
	if grep -B 20 -A 2 -E 'XXX|padding:' "$dir/64"; then
		return 1
	fi
	diff -u --label '64 bits' "$dir/64" --label '32 bits' "$dir/32"
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# The module, built for each kernel.

for kernel in "${kernels[@]}" 7.2-tree; do
	stock+=("build-$kernel" "sparse-$kernel")
	before "build-$kernel" scripts/kernel "$kernel"
	before "sparse-$kernel" scripts/kernel "$kernel"
done

check_build() {
	scripts/module "$1"
}

check_sparse() {
	# C=2 looks at every source, built anew or not.
	scripts/module "$1" C=2 CF=-D__CHECK_ENDIAN__
}

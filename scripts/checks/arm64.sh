# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # scripts/check shares its variables
# The same code on another architecture: built for it, and run in a machine of it.

kernel=${kernels[0]}
arm64+=("build-arm64-$kernel" vm-arm64 "machine-arm64-$kernel")
before "build-arm64-$kernel" env ARCH=arm64 scripts/kernel "$kernel"
before vm-arm64 env ARCH=arm64 scripts/kernel "$kernel"
before "machine-arm64-$kernel" env ARCH=arm64 scripts/setup user selftests

check_build_arm64() {
	ARCH=arm64 check_build "$1"
}

check_vm_arm64() {
	ARCH=arm64 check_vm
}

suite_machine_arm64() {
	ARCH=arm64 suite_machine "$1"
}

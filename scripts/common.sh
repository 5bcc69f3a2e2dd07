# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared
# What every script here shares: where things are, how to speak, and how to get
# what the machine lacks. To be sourced.

set -euo pipefail
umask 022
export LC_ALL=C

top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
# An unprivileged shell often lacks the directories of depmod and modinfo.
PATH=$PATH:/usr/sbin:/sbin

say() {
	printf 'shmdev: %s\n' "$*" >&2
}

die() {
	say "$*"
	exit "${die_status:-1}"
}

# for_arch ARCH: what is built, kept and booted from here on, and by the scripts
# that this one starts. Other architectures have a place of their own for each.
for_arch() {
	export ARCH=$1
	build=$top/.build
	cache=${SHMDEV_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/shmdev}
	cross=
	case $ARCH in
	x86 | x86_64) ARCH=x86 ;;
	arm64)
		build+=/$ARCH
		cache+=/$ARCH
		cross=aarch64-linux-gnu-
		;;
	*) die "the architecture is x86 or arm64, not $ARCH" ;;
	esac
}
for_arch "${ARCH:-x86}"

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root: $*. Run it as root, or install sudo."
	fi
}

have_apt() {
	command -v apt-get >/dev/null && command -v dpkg >/dev/null
}

# At most once per command as typed, however many scripts that starts.
apt_update() {
	[ -z "${SHMDEV_APT_UPDATED:-}" ] || return 0
	export SHMDEV_APT_UPDATED=yes
	say "apt-get update: reading the package lists"
	as_root apt-get -qq update >&2 ||
		say "apt-get update failed; going on with the lists at hand"
}

# need WHY PACKAGE:PROBE...
# A probe is a command or the absolute path of a file; the package is asked for
# only when that is missing, so that a hand-installed one does as well.
need() {
	local why=$1 item packages=()
	shift
	for item; do
		case ${item#*:} in
		/*) compgen -G "${item#*:}" >/dev/null ;;
		*) command -v "${item#*:}" >/dev/null ;;
		esac || packages+=("${item%%:*}")
	done
	[ ${#packages[@]} -gt 0 ] || return 0
	have_apt || die "missing, $why: ${packages[*]} (Debian's names;" \
		"apt is not here to install them)"
	say "installing, $why: ${packages[*]}"
	apt_install "${packages[@]}" || {
		apt_update
		apt_install "${packages[@]}" ||
			die "could not install ${packages[*]}"
	}
}

apt_install() {
	local log
	log=$(mktemp)
	# sudo does not pass the environment on, env does.
	if as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
		-o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 \
		install --no-install-recommends "$@" >"$log" 2>&1 </dev/null; then
		rm -f "$log"
	else
		tail -n 15 "$log" >&2
		rm -f "$log"
		return 1
	fi
}

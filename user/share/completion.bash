# SPDX-License-Identifier: GPL-2.0-only
# bash completion for shmdev. What there is to complete, the tool itself knows.

_shmdev_verbs() {
	shmdev --help 2>/dev/null | sed -n 's/^  \([a-z]\{2,\}\) .*/\1/p'
}

_shmdev_options() {
	shmdev "$1" --help 2>/dev/null |
		sed -n 's/^  \(-., \|    \)\(--[a-z]*\).*/\2/p'
}

_shmdev_columns() {
	shmdev "$1" --help 2>/dev/null |
		sed -n 's/^  \([A-Z]\{2,\}\) .*/\1/p'
}

_shmdev_segments() {
	shmdev ls -n -r -o NAME 2>/dev/null
}

_shmdev() {
	local word=${COMP_WORDS[COMP_CWORD]}
	local previous=${COMP_WORDS[COMP_CWORD - 1]}
	local verb=${COMP_WORDS[1]}
	local IFS=$'\n'

	COMPREPLY=()
	if [[ $COMP_CWORD -eq 1 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_shmdev_verbs)
--help
--version" -- "$word")
		return
	fi
	case $verb:$previous in
	*:--device)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	hello:-s | hello:--segment)
		mapfile -t COMPREPLY < <(compgen -W "$(_shmdev_segments)" \
			-- "$word")
		return
		;;
	ls:-o | stat:-o | ps:-o | *:--output)
		mapfile -t COMPREPLY < <(compgen -W "$(_shmdev_columns "$verb")" \
			-- "$word")
		return
		;;
	create:-e | create:--endpoint)
		COMPREPLY=(hello)
		return
		;;
	*:-[almot] | *:--argument | *:--id | *:--length | *:--mode | \
		*:--offset | *:--text)
		return
		;;
	esac
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_shmdev_options "$verb")" \
			-- "$word")
		return
	fi
	case $verb in
	load)
		mapfile -t COMPREPLY < <(compgen -f -X '!*.ko' -- "$word"
			compgen -W $'size=\nmax_segments=\nmax_bytes=\nmax_user_bytes=' \
				-- "$word")
		;;
	stat | ps | rm | chmod | chown | read | write | dump | kick)
		mapfile -t COMPREPLY < <(compgen -W "$(_shmdev_segments)" \
			-- "$word")
		;;
	esac
}

complete -F _shmdev shmdev

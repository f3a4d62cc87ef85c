# SPDX-License-Identifier: PostgreSQL
# Completion of shouwangctl for bash. Verbs and options are asked of the
# program's own help, so they do not go stale; tests/lint/completion looks. Installed where bash-completion finds it by the command's name.

# The verbs, one a line: "queue shape". After two blanks, up to what is in capitals.
_shouwangctl_verbs() {
	shouwangctl --help 2>/dev/null | sed -n '/^  -/q; s/^  \([a-z].\{25\}\) .*/\1/p' | sed 's/ *[A-Z|].*//; s/ *$//'
}

_shouwangctl() {
	local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} i verb='' words=() verbs
	COMPREPLY=()
	# What names the verb: the words before the cursor that are neither options nor the value of -c.
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c | --config) ((i++)) ;;
		-*) ;;
		*) words+=("${COMP_WORDS[i]}") ;;
		esac
	done
	case $before in
	-c | --config) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
	--level) mapfile -t COMPREPLY < <(compgen -W 'red orange yellow verify' -- "$current"); return ;;
	--state) mapfile -t COMPREPLY < <(compgen -W 'open accepted visited assisting watching closed' -- "$current"); return ;;
	--encoding) mapfile -t COMPREPLY < <(compgen -W 'auto utf-8 gb18030' -- "$current"); return ;;
	--as-of | --limit | --reason | --round | --township | --trial | --village) return ;;
	esac
	verbs=$(_shouwangctl_verbs)
	for i in 2 1; do
		if [ ${#words[@]} -ge $i ] && grep -qxF -- "${words[*]:0:i}" <<<"$verbs"; then
			verb=${words[*]:0:i}
			break
		fi
	done
	if [[ $current == -* ]]; then
		# shellcheck disable=SC2086
		mapfile -t COMPREPLY < <(compgen -W "-c $(shouwangctl $verb --help 2>/dev/null | grep -oE '^  --[a-z-]+')" -- "$current")
	elif [ ${#words[@]} = 0 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(cut -d' ' -f1 <<<"$verbs" | sort -u)" -- "$current")
	elif [ ${#words[@]} = 1 ] && grep -qF -- "${words[0]} " <<<"$verbs"; then
		mapfile -t COMPREPLY < <(compgen -W "$(sed -n "s/^${words[0]} //p" <<<"$verbs")" -- "$current")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
	fi
}

complete -o filenames -F _shouwangctl shouwangctl

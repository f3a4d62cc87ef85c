#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# Prints docs/facts.md from the dictionary:  make-facts-table.sh conf/facts.conf
set -eu
cat <<'END'
# The dictionary of facts

Made from `conf/facts.conf` by `docs/make-facts-table.sh` (`make facts-table`); do not edit.

A fact (事实) is what a source says of a person or a household: a code, a value, a period. Everything that Shouwang compares is a fact. The
register and every feed write the codes below; [feeds.md](feeds.md) says how a file is written. A code that is not in the dictionary is
quarantined; one that the policy does not read is stored and has no effect.

| Kind | `value` | Period |
|---|---|---|
| amount | yuan, such as `4830.00`; empty = not known | `from`–`to`; counts, whole, on its last day. One of the two is enough. Of assets: the value on that day. |
| yesno | `yes` or `no` (`y` `n` `1` `0` `是` `否`); empty = yes | a state: holds from `from` to `to`; without `to` until further notice |
| relief | empty or `yes` = received; a number = yuan per month; `no` = not received | a state |
| choice | one of the listed values, exactly as listed; never empty | a state |
| certificate | 20 characters: identity number, type 1–7, grade 1–4; perhaps a suffix (of a replacement) of up to 32 bytes; never empty | a state |
| text | a code of the sender's own (an illness), or `yes`, or `no`; never empty | a state |
| event | `yes` or `no`; empty = yes | happens on `from` |

The type of a disability certificate: 1 visual, 2 hearing, 3 speech, 4 physical, 5 intellectual, 6 mental, 7 multiple; grade 1 is the most severe.

END
awk '
	function row() {
		if (code != "")
			printf "| `%s` | %s | %s%s |\n", code, title, kind, values == "" ? "" : ": " values
		code = ""
	}
	function heading() {
		if (group != "") {
			printf "## %s\n\n| Code | Title | Kind |\n|---|---|---|\n", group
			group = ""
		}
	}
	/^; --- / {
		row()
		if (seen)
			print ""
		seen = 1
		group = $0
		sub(/^; --- */, "", group)
		sub(/ *-*$/, "", group)
		group = toupper(substr(group, 1, 1)) substr(group, 2)
		next
	}
	/^;/ { next }
	/^\[/ {
		row()
		heading()
		code = substr($0, 2, index($0, "]") - 2)
		title = kind = values = ""
		next
	}
	/^kind = / { kind = substr($0, 8); next }
	/^title = / { title = substr($0, 9); next }
	/^choice = / {
		choice = substr($0, 10)
		word = choice
		sub(/ .*/, "", word)
		meaning = ""
		if (choice ~ / /) {
			meaning = choice
			sub(/^[^ ]* +/, "", meaning)
			meaning = " " meaning
		}
		values = values (values == "" ? "" : ", ") "`" word "`" meaning
	}
	END { row() }' "$1"
cat <<'END'

## A county's own codes

A new kind of fact is a few lines of configuration and policy text. In a file of the county's own:

<!-- example: facts.county.conf -->
```ini
[expense.funeral]
number = 1000
kind = amount
title = 丧葬支出
```

- `number` is 1000 to 32767 and is for ever: stored facts carry it. Never give a used number to another code.
- `kind` is one of the kinds above; `choice = VALUE TITLE` stands once for each value of a choice, new ones at the end.
- Names are lower-case words joined by dots. A county may add codes; it may not change those above.
- A line has at most 190 bytes and no blank in front; a `;` after a blank begins a comment.

Then:

1. name the file in `shouwang.conf`, `[facts] dictionary = facts.county.conf`;
2. `shouwangd --check-config`;
3. `shouwangctl migrate`, which enters the code into the database, then `shouwangctl reload` (the other way round the daemon says
   `database.misfit` until it is done);
4. let a feed or the register send it;
5. let the policy speak of it: until a clause reads the code, it changes nothing.
END

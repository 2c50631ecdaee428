# Arguments: keep or remove, the folder, the command.
# A line on standard input stops the command in order; its end kills it.
at_end=$1 dir=$2
shift 2
# A Ctrl-C on the terminal is for our parent: it decides what happens to us.
trap '' INT
"$@" </dev/null &
pid=$!
if read -r _; then kill "$pid"; else kill -9 "$pid"; fi 2>/dev/null
wait "$pid" 2>/dev/null
if [ "$at_end" = remove ]; then rm -rf "$dir"; fi
exit 0

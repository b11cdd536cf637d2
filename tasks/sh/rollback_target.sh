# $1 run, or current. Says which transaction a rollback would undo; nothing where this node has none.
txn=$(readlink -f "$base/$1") && [ -f "$txn/rollback" ] || exit 0
run=$(basename "$txn")
whose "$run" >/dev/null
printf '%s' "$run" | emit run
state "$run" | emit state
printf '%s' "$owner" | emit owner
printf '%s' "$since" | emit since

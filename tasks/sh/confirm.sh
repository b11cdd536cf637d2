# $1 run: the node keeps what it has. Refused once the transaction was rolled back.
run=$1
lock
[ "$(state "$run")" = verifying ] || fail "the transaction is $(state "$run") by now: somebody else acted on it"
set_state "$run" confirmed || exit 1
while IFS="$tab" read -r kind before after spare path; do
    rm -f "$spare.before" "$spare.after"
done <"$base/$run/manifest"
exit 0

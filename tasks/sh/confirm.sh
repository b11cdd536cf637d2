# $1 run: the node keeps what it has, and no longer goes back by itself. Refused once the transaction was rolled back.
run=$1
lock
while IFS="$tab" read -r kind before after spare path; do
    [ "$(sum "$path")" = "$after" ] || fail "$path is no longer what the run wrote: somebody else acted on it"
done <"$base/$run/manifest"
case $(state "$run") in
    verifying) set_state "$run" confirmed || exit 1 ;;
    confirmed) ;;
    *) fail "the transaction is $(state "$run") by now: its timer, its boot or somebody else acted on it" ;;
esac
unspare "$run"
disarm "$run"
exit 0

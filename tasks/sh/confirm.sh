# $1 run: the node keeps what it has, and no longer goes back by itself. Refused once the transaction was rolled back.
run=$1
lock
# Where copies and the boot unit cannot be removed, the run is not confirmed. That a disk is full is no hindrance.
writable() {
    touch -c "$1" || fail "$1 cannot be written to by now"
}
while IFS="$tab" read -r kind before after spare path; do
    [ "$(sum "$path")" = "$after" ] || fail "$path is no longer what the run wrote: somebody else acted on it"
    writable "$(dirname "$spare")"
done <"$base/$run/manifest"
writable "$units"
case $(state "$run") in
    verifying) set_state "$run" confirmed || exit 1 ;;
    confirmed) ;;
    *) fail "the transaction is $(state "$run") by now: its timer, its boot or somebody else acted on it" ;;
esac
unspare "$run"
disarm "$run"
exit 0

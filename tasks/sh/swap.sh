# $1 run  $2 kind: puts the staged files of that kind in place, each by one rename, and tells their sums.
run=$1 wanted=$2
lock
case $(state "$run") in
    armed | swapping) ;;
    *) fail "the transaction is $(state "$run") by now: its timer, its boot or somebody else acted on it" ;;
esac
set_state "$run" swapping || exit 1
umask 022
while IFS="$tab" read -r kind before after spare path; do
    [ "$kind" = "$wanted" ] || continue
    [ "$(sum "$path")" = "$before" ] || fail "$path was changed by somebody else while the run was at work"
    mkdir -p "$(dirname "$path")" && mv -fT "$spare.after" "$path" && sync "$(dirname "$path")" || exit 1
    sum "$path" | emit "$path"
done <"$base/$run/manifest"
exit 0

# $1 run: puts the staged files in place, each by one rename, in the manifest's order (config.toml last).
run=$1
lock
[ "$(state "$run")" = staged ] || fail "the transaction is $(state "$run"), not staged"
set_state "$run" swapping || exit 1
umask 022
while IFS="$tab" read -r kind before after spare path; do
    [ "$(sum "$path")" = "$before" ] || fail "$path was changed by somebody else while the run was at work"
    mkdir -p "$(dirname "$path")" && mv -fT "$spare.after" "$path" && sync "$(dirname "$path")" || exit 1
done <"$base/$run/manifest"
exit 0

# $1 run  $2 how many seconds the run may own the node. Standard input: the files of the transaction (wire).
# Nothing that is live changes, and whatever fails leaves nothing behind.
run=$1
new=$base/$run.staging
mkdir -p "$base" || exit 1
lock

current=$(basename "$(readlink "$base/current")" 2>/dev/null)
# Removes a transaction's copies beside the live files.
unspare() {
    [ ! -f "$1/manifest" ] || while IFS="$tab" read -r kind before after spare path; do
        rm -f "$spare.before" "$spare.after"
    done <"$1/manifest"
}

# Removes a transaction that was not staged to its end.
clean() {
    unspare "$1"
    rm -rf "$1"
}

case $([ -z "$current" ] || state "$current") in
    staged)
        . "$base/$current/owner"
        [ "$deadline" -lt "$(date +%s)" ] || fail "run $current of $owner owns this node since $since; try again later"
        unspare "$base/$current" && set_state "$current" rolled_back || exit 1
        ;;
    swapping | restarting | verifying | rolling_back)
        fail "run $current did not finish here; undo it first with the command rollback"
        ;;
esac
for dead in "$base"/*.staging; do
    [ ! -d "$dead" ] || clean "$dead"
done
trap 'clean "$new"' EXIT
trap 'exit 1' HUP INT TERM

mkdir "$new" "$new/before" "$new/after" || exit 1
while read -r data file; do
    printf '%s' "${data#=}" | base64 -d >"$new/$file" || exit 1
done
[ -s "$new/rollback" ] && [ -f "$new/planned" ] || fail "the files of the transaction did not arrive whole"
printf 'deadline=%s\n' "$(($(date +%s) + $2))" >>"$new/owner" || exit 1

number=0
while IFS="$tab" read -r kind before after path; do
    number=$((number + 1))
    [ ! -L "$path" ] || [ -e "$path" ] || fail "$path is a symbolic link to nothing; remove it or mend it first"
    [ "$(sum "$path")" = "$before" ] || fail "$path was changed by somebody else after the plan; run the rollout again"
    [ "$(sum "$new/after/$number")" = "$after" ] || fail "$path did not arrive whole; is the disk full?"
    # Copies wait beside the live file, to be renamed into its place: a full disk cannot stop that.
    # Their names end in neither .toml nor .conf, so that no imports glob takes them in.
    place=$(dirname "$path")
    while [ ! -d "$place" ]; do
        missing="$place$newline${missing:-}"
        place=$(dirname "$place")
    done
    spare=$place/.containerd-fleet-$run-$number
    printf '%s\n' "$kind$tab$before$tab$after$tab$spare$tab$path" >>"$new/manifest" || exit 1
    if [ "$before" = absent ]; then
        (umask 022 && : >"$spare.after") || exit 1
    else
        # The new file takes over owner, mode and attributes of the one that it replaces.
        mkdir -p "$new/before$(dirname "$path")" && cp -a "$path" "$new/before$path" &&
            cp -a "$path" "$spare.before" && cp -a "$path" "$spare.after" || exit 1
        sync "$new/before$path" "$spare.before"
    fi
    cat "$new/after/$number" >"$spare.after" && sync "$spare.after" || exit 1
done <"$new/planned"

# What the rollback script reads: the last file first, the deepest directory first.
: >>"$new/manifest"
tac "$new/manifest" >"$new/undo" && printf '%s' "${missing:-}" | sort -ru >"$new/created" || exit 1
rm -f "$new/planned"
echo staged >"$new/state" && sync "$new"/* || exit 1
mv -T "$new" "$base/$run" || exit 1
# A transaction that changes no file leaves nothing to undo: the one before it stays the newest.
[ ! -s "$base/$run/manifest" ] ||
    { ln -sfn "$run" "$base/current.new" && mv -T "$base/current.new" "$base/current"; } || exit 1
trap - EXIT

# $1 run  $2 how many seconds the run may own the node before it is armed  $3 how many transactions the node keeps
# $4 for how many days. Standard input: the files of the transaction (wire).
# Nothing that is live changes, and whatever fails leaves nothing behind.
run=$1
new=$run.staging
mkdir -p "$base" || exit 1
lock

# Removes a transaction that never changed anything.
clean() {
    unspare "$1"
    disarm "$1"
    rm -rf "${base:?}/$1"
}

# Removes old transactions, but never the newest, which `current` names, nor the newest that was confirmed.
prune() {
    current=$(basename "$(readlink "$base/current")" 2>/dev/null)
    kept=1 good=
    for old in $(cd "$base" && ls -dr [0-9]*Z-???? 2>/dev/null); do
        kept=$((kept + 1))
        case $(state "$old") in
            confirmed) [ -n "$good" ] || { good=$old && continue; } ;;
            rolled_back) ;;
            *) continue ;;
        esac
        age=$(($(date +%s) - $(stat -c %Y "$base/$old/state")))
        [ "$old" = "$current" ] || { [ "$kept" -le "$1" ] && [ "$age" -le "$(($2 * 86400))" ]; } || clean "$old"
    done
}

for other in "$base"/*; do
    other=${other##*/}
    [ -f "$base/$other/state" ] || case $other in *.staging) clean "$other" && continue ;; *) continue ;; esac
    case $(state "$other") in
        staged)
            holder=$(whose "$other")
            whose "$other" >/dev/null
            [ "$boot" != "$(boot_id)" ] || [ "$deadline" -lt "$(now)" ] || fail "$holder, owns this node; try again later"
            clean "$other"
            ;;
        confirmed | rolled_back) ;;
        *) fail "$(whose "$other"), is at work here, or did not finish; see: python main.py status; settle it with: python main.py finish" ;;
    esac
done
prune "$3" "$4"
trap 'clean "$new"' EXIT
trap 'exit 1' HUP INT TERM

mkdir "$base/$new" "$base/$new/before" "$base/$new/after" || exit 1
while read -r data file; do
    printf '%s' "${data#=}" | base64 -d >"$base/$new/$file" || exit 1
done
[ -s "$base/$new/rollback" ] && [ -f "$base/$new/planned" ] || fail "the files of the transaction did not arrive whole"
printf 'deadline=%s\nboot=%s\n' "$(($(now) + $2))" "$(boot_id)" >>"$base/$new/owner" || exit 1

number=0
while IFS="$tab" read -r kind before after path; do
    number=$((number + 1))
    [ ! -L "$path" ] || [ -e "$path" ] || fail "$path is a symbolic link to nothing; remove it or mend it first"
    [ "$(sum "$path")" = "$before" ] || fail "$path was changed by somebody else after the plan; run the rollout again"
    [ "$(sum "$base/$new/after/$number")" = "$after" ] || fail "$path did not arrive whole; is the disk full?"
    # Copies wait beside the live file, to be renamed into its place: a full disk cannot stop that.
    # Their names end in neither .toml nor .conf, so that no imports glob takes them in.
    place=$(dirname "$path")
    while [ ! -d "$place" ]; do
        missing="$place$newline${missing:-}"
        place=$(dirname "$place")
    done
    spare=$place/.containerd-fleet-$run-$number
    printf '%s\n' "$kind$tab$before$tab$after$tab$spare$tab$path" >>"$base/$new/manifest" || exit 1
    if [ "$before" = absent ]; then
        (umask 022 && : >"$spare.after") || exit 1
    else
        # The new file takes over owner, mode and attributes of the one that it replaces.
        mkdir -p "$base/$new/before$(dirname "$path")" && cp -a "$path" "$base/$new/before$path" &&
            cp -a "$path" "$spare.before" && cp -a "$path" "$spare.after" || exit 1
        sync "$base/$new/before$path" "$spare.before"
    fi
    cat "$base/$new/after/$number" >"$spare.after" && sync "$spare.after" || exit 1
done <"$base/$new/planned"

# What the rollback script reads: the last file first, the deepest directory first.
: >>"$base/$new/manifest"
tac "$base/$new/manifest" >"$base/$new/undo" && printf '%s' "${missing:-}" | sort -ru >"$base/$new/created" || exit 1
rm -f "$base/$new/planned"
echo staged >"$base/$new/state" && sync "$base/$new"/* || exit 1
mv -T "$base/$new" "$base/$run" || exit 1
trap - EXIT

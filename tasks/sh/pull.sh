# $1 ctr  $2 socket  $3 image  $4 seconds  $5 containerd's root; then what the way of the pull takes
# Pulls an image and takes it away again, whatever happens in between. The script in front says in which namespace ($space)
# and how: prepare and undo, which say what could not be put back (say_left), and ask, which becomes the pull.
ctr=$1 socket=$2 image=$3 seconds=$4 root=$5
shift 5
work=/run/containerd-fleet-verify
pull=
began=
left=
kept=
here=no

in_space() {
    timeout 20 "$ctr" -a "$socket" -n "$space" "$@" 2>/dev/null
}

# Images, a line each: the name, a blank, the digest that it stands for.
images() {
    listed=$(in_space images ls) || return
    printf '%s\n' "$listed" | tail -n +2 | while read -r each type digest rest; do printf '%s %s\n' "$each" "$digest"; done
}

# $1 such lines  $2 a name: the digest that it stands for there.
digest_of() {
    printf '%s\n' "$1" | while read -r each digest; do [ "$each" != "$2" ] || printf '%s' "$digest"; done
}

say_left() {
    left="${left:+$left; }$*"
}

# All content that is here, of whichever namespace: containerd asks no registry for it.
content() {
    ls "$root/io.containerd.content.v1.content/blobs/sha256" 2>/dev/null
}

finish() {
    [ -z "$pull" ] || { kill "$pull" && wait "$pull"; } 2>/dev/null
    [ -z "$began" ] || undo
    rm -rf "$work"
}

interrupted() {
    finish
    [ -z "$left" ] || printf '%s\n' "$left" >&2
}

# No file of its own for it: a lock on what is there.
exec 9<"$ctr" && flock -w "$seconds" 9 || fail "another verification is at work here"
trap interrupted EXIT
trap 'fail "it was interrupted"' HUP INT TERM PIPE
rm -rf "$work" && mkdir "$work" || fail "no room below /run"
prepare "$@"
had=$(content)
began=$(cut -d' ' -f1 /proc/uptime)
# In the background: a signal is to be heard at once.
ask "$@" >/dev/null 2>"$work/said" &
pull=$!
wait "$pull"
code=$?
pull=
ended=$(cut -d' ' -f1 /proc/uptime)
said=$(cat "$work/said")
new=$(digest_of "$(images)" "$image")
[ -z "$new" ] || case $newline$had$newline in *"$newline${new#sha256:}$newline"*) here=yes ;; esac
trap - EXIT
finish
printf '%s' "$left" | emit left
printf '%s' "$kept" | emit kept
printf '%s' "$here" | emit here
printf '%s' "$code" | emit code
printf '%s\n' "$said" | emit said
printf '%s %s' "$began" "$ended" | emit times
exit 0

# $1 for how many seconds from now  $2 the run  $3 who: until then collections and restarts skip that have not begun yet.
# It is there first, and what is at work is waited for then: nothing new begins in between.
umask 022
running=/run/containerd-fleet
holds=$running/hold.d
mkdir -p "$holds" || exit 1
find "$holds" -type f -mmin +1440 -exec rm -f {} +
before=$(cat "$holds/$2" 2>/dev/null)
printf '%s %s\n' "$(($(date +%s) + $1))" "$3" >"$running/$2.new" && mv -f "$running/$2.new" "$holds/$2" ||
    fail "$holds cannot be written"
exec 8>>"$running/lock"
# Whoever has it for long has said what for.
flock -w 3 8 && exit 0
busy=$(cat "$running/busy" 2>/dev/null)
case $busy in 'the garbage collection '*) ;; *) flock -w 180 8 && exit 0 ;; esac
# It may take hours. A hold that was there before stays.
[ -n "$before" ] || rm -f "$holds/$2"
fail "${busy:-another one} is at work; repeat the command when it is done"

# $1 run  $2 seconds that containerd may take
lock
case $(state "$1") in
    armed | swapping) ;;
    *) fail "the transaction is $(state "$1")" ;;
esac
. "$base/$1/facts" || exit 1

# The shims that run now, as containerd's bundles name their sockets: NAMESPACE/ID, a tab, the socket. No process is
# started for each of them, since a node may have hundreds.
live=$(listening)
for file in "$state_directory"/io.containerd.*/*/*/address "$state_directory"/io.containerd.*/*/*/bootstrap.json; do
    [ -f "$file" ] || continue
    read -r address <"$file"
    socket=${address#*unix://}
    socket=${socket%%[\",]*}
    case $newline$live$newline in *"$newline$socket$newline"*) ;; *) continue ;; esac
    bundle=${file%/*}
    namespace=${bundle%/*}
    printf '%s\t%s\n' "${namespace##*/}/${bundle##*/}" "$socket"
done >"$base/$1/shims" || exit 1

set_state "$1" restarting || exit 1
exec 9>&-
since=$(date +%s.%6N)
systemctl reset-failed "$unit" 2>/dev/null
timeout "$2" systemctl restart "$unit" && {
    systemctl show "$unit" -p InvocationID --value >"$base/$1/invocation"
    exit 0
}
[ $? -ne 124 ] || failure="did not start within $2 s"

# systemd may try again by itself, until it gives up: that is worth two seconds.
tries=8
while [ "$tries" -gt 0 ]; do
    case $(systemctl show "$unit" -p SubState --value) in auto-restart*) ;; *) break ;; esac
    tries=$((tries - 1))
    sleep 0.25
done
# Its own words: why it exited rather than what it complained of before.
timeout 2 journalctl --sync 2>/dev/null
said=$(timeout 5 journalctl -u "$unit" --since "@$since" -o cat -n 200 2>/dev/null)
last() {
    printf '%s\n' "$said" | grep -E "$1" | tail -n 1
}
words=$(last '^containerd: |level=fatal|"level":"fatal"')
[ -n "$words" ] || words=$(last 'level=error|"level":"error"')
# systemd may go on calling the result of the first failure the unit's.
[ -z "$(last ': Start request repeated too quickly')" ] || failure="was started too often, and systemd gave up on it"
result=$(systemctl show "$unit" -p Result --value)
fail "containerd ${failure:-does not start ($result)}: ${words:-see journalctl -u $unit there}"

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
since=$(date +%s)
systemctl reset-failed "$unit" 2>/dev/null
timeout "$2" systemctl restart "$unit" && exit 0
[ $? -ne 124 ] || failure="did not start within $2 s"

# Its own words: why it exited rather than what it complained of before.
timeout 2 journalctl --sync 2>/dev/null
said=$(timeout 5 journalctl -u "$unit" --since "@$since" -o cat -n 200 2>/dev/null |
    grep -E '^containerd: |level=(error|fatal)|"level":"(error|fatal)"')
words=$(printf '%s\n' "$said" | grep -E '^containerd: |fatal' | tail -n 1)
[ -n "$words" ] || words=$(printf '%s\n' "$said" | tail -n 1)
result=$(systemctl show "$unit" -p Result --value)
[ "$result" != start-limit-hit ] || failure="was started too often, and systemd gave up on it (start-limit-hit)"
fail "containerd ${failure:-does not start ($result)}: ${words:-see journalctl -u $unit there}"

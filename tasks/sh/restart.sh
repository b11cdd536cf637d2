# $1 run
lock
case $(state "$1") in
    armed | swapping) ;;
    *) fail "the transaction is $(state "$1")" ;;
esac
set_state "$1" restarting || exit 1
exec 9>&-
since=$(date +%s)
systemctl reset-failed "$unit" 2>/dev/null
timeout 100 systemctl restart "$unit" && exit 0
journalctl -u "$unit" --since "@$since" -o cat -n 50 2>/dev/null | grep -E '^containerd: |level=(error|fatal)' | tail -n 1 >&2
exit 1

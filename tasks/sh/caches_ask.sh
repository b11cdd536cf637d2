# $1 address  $2 port  $3 path: the status of a request for it there, from this node itself. Nothing where nothing answers.
command -v bash >/dev/null || fail "there is no bash either"
# shellcheck disable=SC2016
timeout 5 bash -c '
    exec 3<>"/dev/tcp/$1/$2" &&
        printf "GET %s HTTP/1.1\r\nHost: cache\r\nConnection: close\r\n\r\n" "$3" >&3 &&
        read -r _ code _ <&3 && printf "%s" "$code"
' bash "$1" "$2" "$3" 2>/dev/null
exit 0

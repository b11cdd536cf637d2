# $1 run, or current  $2 --force or nothing: starts the transaction's own script. Exit code: that script's, or
# 6 where this node has no such transaction.
txn=$(readlink -f "$base/$1") && [ -f "$txn/rollback" ] || exit 6
echo "run $(basename "$txn")"
shift
exec /bin/sh "$txn/rollback" "$@"

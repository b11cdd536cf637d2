# $1 the run: ends its hold.
rm -f "/run/containerd-fleet/hold.d/$1"

# $1 run  then live files: each as that run wrote it, and as it is now.
run=$1
shift
for file; do
    number=0
    while IFS="$tab" read -r kind before after spare path; do
        number=$((number + 1))
        [ "$path" != "$file" ] || emit "written:$file" <"$base/$run/after/$number"
    done <"$base/$run/manifest"
    [ ! -f "$file" ] || emit "live:$file" <"$file"
done
exit 0

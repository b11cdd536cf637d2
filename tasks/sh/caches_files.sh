# Standard input (wire): the upkeep's files, each named by its mode and path, written by renaming.
while read -r value mode path; do
    # What is there already keeps its mode.
    (umask 022 && mkdir -p "$(dirname "$path")") || exit 1
    # cron passes over names with a dot.
    new=$path.new
    printf '%s' "${value#=}" | base64 -d >"$new" && chmod "$mode" "$new" && sync "$new" && mv -f "$new" "$path" ||
        fail "$path cannot be written"
done

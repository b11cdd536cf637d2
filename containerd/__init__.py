"""What containerd accepts: versions, configuration files, rules, migration. Pure: text in, text out."""

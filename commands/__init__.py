"""The command line: options in, one runbook called, its report out."""

"""What is done to one machine: one Nornir task a file, named by its verb."""

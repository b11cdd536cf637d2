"""What is done to one cache host."""

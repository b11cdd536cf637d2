"""What an operator does to a fleet."""

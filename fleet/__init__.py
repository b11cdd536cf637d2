"""How a fleet is reached: inventory, connection, runner, waves, progress and report."""

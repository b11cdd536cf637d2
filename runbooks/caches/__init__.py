"""What is done with the caches of all cache hosts."""

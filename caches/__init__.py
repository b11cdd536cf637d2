"""What the caches are to be, and what is there: pure, text in, text out, no I/O."""

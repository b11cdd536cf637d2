"""What a containerd from 1.5 to 2.3 makes of files: which it loads, how it merges them, whether CRI comes up."""

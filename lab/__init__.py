"""A fleet of real nodes on this machine, each with its own systemd, sshd, containerd and network namespace.

`lab.control` starts, resets and ends it, `lab.state` answers whether it is up,
`lab.machine` reaches into a node without SSH.
"""

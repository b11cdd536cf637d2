"""What containerd accepts, and the decision, in eight packages. Pure: text in, text out."""

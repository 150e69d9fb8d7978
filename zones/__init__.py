"""Where DNS records go: a file a backend."""

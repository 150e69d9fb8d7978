"""`python -m tools.fleet`: many domains in one file, a stack for each of its shards; docs/fleet.md, docs/scale.md."""

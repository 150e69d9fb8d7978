"""Breaking things while `pulumi up` runs: `make faults`, or `python -m faults --help` with tests/ on the path.

A chain is a stack's life: testing, a changed policy, enforce, a changed one, none, destroy. During each step one fault
of the catalog strikes, while a watcher looks on as a sender would. After each step the next plain `up` must converge.
"""

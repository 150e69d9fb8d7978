"""What the pipeline does that a line of shell can't: `python -m tools.ci preview|comment|run|checks|propose` (docs/ci.md)."""

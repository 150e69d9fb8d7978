"""What the project needs around itself: the Pulumi engine, and what stands after an `up`."""

"""What stops a pipeline's step."""


class CiError(Exception):
    """One line: what is wrong, and the way out."""

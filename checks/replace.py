"""A file that people wrote gets another text: as a whole, or not at all."""

import os
import shutil
import tempfile
from pathlib import Path

from policy import UserError


def replace(path: Path, text: str) -> None:
    """Put a text in place whole; who may read the file stays as it is.

    :raises UserError: it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.resolve()
        with tempfile.NamedTemporaryFile("wb", dir=target.parent, delete=False) as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(target, file.name) if target.exists() else os.chmod(file.name, 0o644)
        os.replace(file.name, target)
    except OSError as error:
        raise UserError(f"{path.name} can't be written: {error.strerror}") from None

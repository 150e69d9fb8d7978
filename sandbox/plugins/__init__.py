"""Provider plugins for where the real ones can't be had; the engine finds them on PATH."""

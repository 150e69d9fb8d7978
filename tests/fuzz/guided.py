"""Inputs by atheris, for one reader: a process that ends by itself, with another code than 0 where something is wrong.

libFuzzer ends it at an input that takes ten seconds or 700 MiB, and keeps that input.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["checks", "policy", "email", "zipfile", "json", "dkim"]):
    from fuzz.targets import TARGETS


def main(name: str, seconds: int, folder: Path) -> None:
    """Never returns.

    :param folder: where inputs are kept, for the next run to go on with.
    """
    target = TARGETS[name]
    for kind in ("inputs", "found"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for at, seed in enumerate(target.seeds):
        (folder / "inputs" / f"seed-{at}").write_bytes(seed)
    words = [f'"{"".join(f"{chr(92)}x{byte:02x}" for byte in word)}"' for word in target.words]
    (folder / "words").write_text("\n".join(words) + "\n")
    options = [
        f"-max_total_time={seconds}",
        "-max_len=20000",
        "-timeout=10",
        "-rss_limit_mb=700",
        f"-dict={folder / 'words'}",
        f"-artifact_prefix={folder / 'found'}/",
        "-print_final_stats=1",
        "-verbosity=0",
        str(folder / "inputs"),
    ]
    atheris.Setup([sys.argv[0], *options], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))

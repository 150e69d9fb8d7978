"""Tens of thousands of reports, in bounded memory; `make bench` reads more of them."""

import json
import subprocess
import sys
from pathlib import Path

from reports.samples import gzipped, mail, report, text, zipped

ROOT = Path(__file__).parents[2]
MEASURED = """
import re, sys
from checks.__main__ import main
main(sys.argv[1:])
# Not ru_maxrss, which begins with the parent's.
print(int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]) / 1024, file=sys.stderr)
"""


def measure(path: Path) -> tuple[float, int]:
    """MiB at most, and reports."""
    run = subprocess.run(
        [sys.executable, "-c", MEASURED, "reports", str(path), "--json"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return float(run.stderr.split()[-1]), json.loads(run.stdout)["reports"]


def test_twenty_thousand_reports(tmp_path: Path) -> None:
    for at in range(200):
        files = {
            f"{each}.json": text(
                report(at * 100 + each, day=at % 90, failures=(("certificate-expired", "mx", 1),))
            )
            for each in range(100)
        }
        (tmp_path / f"{at}.zip").write_bytes(zipped(**files))
    mib, reports = measure(tmp_path)
    assert reports == 20_000
    assert mib < 200


def test_mails_one_by_one(tmp_path: Path) -> None:
    for at in range(1500):
        (tmp_path / f"{at}.eml").write_bytes(mail(gzipped(report(at, day=at % 90))))
    mib, reports = measure(tmp_path)
    assert reports == 1500
    assert mib < 200

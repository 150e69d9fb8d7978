"""Of pulumi-azure-native only what is used is imported, and all of it stays there for others."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = """
import sys
import azure_native
loaded = [name for name in sys.modules if name.startswith("pulumi_azure_native.web.") and "outputs" not in name]
from pulumi_azure_native import dns, resources, web
web.AppServicePlan, resources.Deployment, dns.Zone  # which nobody has imported before
assert web.StaticSite is azure_native.StaticSite
assert dns.RecordSet is azure_native.RecordSet
print(len(loaded))
"""


def test_the_rest_is_neither_imported_nor_lost() -> None:
    run = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 10


def test_the_stand_in_plugin_speaks_the_protocol_without_the_sdk() -> None:
    code = """
import sys
from sandbox.plugins.azure_native import UNKNOWN
assert "pulumi" not in sys.modules
import pulumi, pulumi.runtime.rpc
assert pulumi.runtime.rpc.UNKNOWN == UNKNOWN
pulumi.CustomResource
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr

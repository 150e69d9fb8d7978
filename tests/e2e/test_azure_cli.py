"""The path that docs/azure.md walks: `az login`, then `pulumi up`."""

from azure_cli import AzureCli
from harness import Stack


def test_after_az_login_an_up_needs_no_variable_of_azure(stack: Stack) -> None:
    az = AzureCli(stack.sandbox.folder.parent / "az")
    az.login(stack.sandbox)
    stack.more = az.environment(stack.environment["PATH"])
    stack.up(settled=True)
    assert any(line.startswith("account show") for line in az.asked)  # azure-native's way to the subscription
    assert any(line.startswith("account get-access-token") for line in az.asked)


def test_without_az_login_the_preview_says_so(stack: Stack) -> None:
    az = AzureCli(stack.sandbox.folder.parent / "az")
    stack.more = az.environment(stack.environment["PATH"])
    run = stack.pulumi("preview")
    assert run.code != 0
    assert "az login" in run.text
    assert "Traceback" not in run.text

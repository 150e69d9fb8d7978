"""A resource group that is another's: a stack works in it and may neither make, change nor delete it."""

from harness import TESTING, Stack

GROUP = "Microsoft.Resources/resourceGroups"


def groups(stack: Stack) -> dict[str, dict[str, str]]:
    return {each["name"]: each.get("tags", {}) for each in stack.sandbox.state.of(GROUP)}


def writes(stack: Stack) -> list[str]:
    """Changes of groups themselves."""
    return [line for line in stack.writes() if line.split("/")[0].endswith("resourceGroups")]


def test_a_stack_works_in_a_group_that_is_anothers_and_leaves_it(stack: Stack) -> None:
    stack.reconfigure(**{"mta-sts:existingResourceGroup": True, "mta-sts:tags": {"owner": "mail"}})
    refused = stack.pulumi("preview")
    assert refused.code != 0
    (line,) = [error for error in refused.errors if "existingResourceGroup" in error]
    assert "the resource group mta-sts-test can't be read" in line
    assert "Make it" in line

    stack.arm("PUT", "/resourceGroups/mta-sts-test", {"location": "northeurope", "tags": {"theirs": "yes"}})
    before = writes(stack)
    assert stack.pulumi("up", "--yes", "--skip-preview").code == 0
    stack.up(
        settled=True
    )  # until here the state lacks the API version, which the engine doesn't keep of an import
    assert groups(stack)["mta-sts-test"] == {"theirs": "yes"}
    assert stack.pulumi("destroy", "--yes", "--skip-preview").code == 0
    assert groups(stack)["mta-sts-test"] == {"theirs": "yes"}
    assert writes(stack) == before


def test_a_stack_lets_go_of_the_group_that_it_made(stack: Stack) -> None:
    stack.configure(TESTING)
    stack.up()
    stack.reconfigure(**{"mta-sts:existingResourceGroup": True})
    before = writes(stack)
    stack.up(settled=True)
    assert len(stack.outputs()["sites"]) == 1
    assert stack.pulumi("destroy", "--yes", "--skip-preview").code == 0
    assert "mta-sts-test" in groups(stack)
    assert writes(stack) == before

"""`python -m tools.ci`: the steps of azure-pipelines.yml that are more than a line of shell; docs/ci.md."""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from checks.shown import shown
from policy import UserError
from tools.ci import comment, preview, propose, pull_request, sign_in, without_secrets
from tools.ci.errors import CiError
from tools.fleet import stacks

AGAIN = 30.0  # seconds between two looks


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tools.ci", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    made = commands.add_parser(
        "preview", help="pulumi preview --diff of the stack PULUMI_STACK, kept for the comment"
    )
    made.add_argument("--out", type=Path, required=True, metavar="FILE", help="where it is kept")
    made = commands.add_parser("comment", help="put previews on the pull request; exit code 1 where one failed")
    made.add_argument(
        "--from", type=Path, required=True, dest="folder", metavar="FOLDER", help="where they are kept"
    )
    made.add_argument(
        "--to", type=Path, metavar="FILE", help="write it there, for another service than Azure DevOps"
    )
    made.add_argument("--fleet", action="store_true", help="of all shards of the fleet file")
    made.add_argument("stacks", nargs="*", metavar="STACK")
    made = commands.add_parser(
        "previews", help="the same as preview, for the stacks of a fleet's shards, one after the other"
    )
    made.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where they are kept")
    made.add_argument("--part", default="", metavar="1/4", help="of the shards, one of several agents' part")
    made = commands.add_parser("run", help="run a command that signs in to Azure")
    made.add_argument("words", nargs="+", metavar="COMMAND")
    made = commands.add_parser("look", help="the same, for a command that changes nothing; it needs no secret")
    made.add_argument("words", nargs="+", metavar="COMMAND")
    made = commands.add_parser("checks", help="python -m checks domain --stack; warnings don't fail the step")
    made.add_argument(
        "--patience", type=float, default=0, metavar="SECONDS", help="look again for as long as it fails"
    )
    made = commands.add_parser(
        "propose",
        help="open, update or close the pull request with what is due for the stack PULUMI_STACK; docs/ladder.md",
    )
    made.add_argument("--fleet", action="store_true", help="for all rows of the fleet, in place of a stack")
    made.add_argument("--dry-run", action="store_true", help="show it; needs no token and changes nothing")
    made.add_argument("rest", nargs="*", metavar="OPTION", help="after `--`: those of `python -m checks enforce`, such as --reports")  # fmt: skip
    return top


def do_preview(options: argparse.Namespace) -> int:
    """Keep what is found, also of a preview that fails: the comment tells it, and fails the run."""
    stack = os.environ.get("PULUMI_STACK", "")
    if not stack:
        raise CiError("PULUMI_STACK is not set")
    given = dict(os.environ)
    try:
        with sign_in.environment(given) as env, without_secrets.copy(env, Path.cwd()) as (folder, env):
            os.environ.clear()  # the engine is started with it
            os.environ.update(env)
            found = preview.preview(env["PULUMI_STACK"], folder)
            found.stack = stack
    except CiError as error:
        print(f"tools.ci: {shown(error)}", file=sys.stderr)
        found = preview.Preview(stack, failed=True, notes=[("error", "", str(error))])
    found.hide(given)
    found.save(options.out)
    if found.failed:
        print(f"##vso[task.logissue type=error]the preview of {stack} failed")
        print(f"##vso[task.complete result=SucceededWithIssues;]the preview of {stack} failed")
    return 0


def do_previews(options: argparse.Namespace) -> int:
    """A process each: a preview makes its environment its own."""
    options.out.mkdir(parents=True, exist_ok=True)
    for shard in stacks.part(stacks.read(Path()).shards, options.part):
        command = [sys.executable, "-m", "tools.ci", "preview", "--out", str(options.out / f"{shard.stack}.json")]
        _finished(command, Path.cwd(), {**os.environ, "PULUMI_STACK": shard.stack})
    return 0


def do_comment(options: argparse.Namespace) -> int:
    """One comment for all stacks; those of a fleet were kept by several agents, in a folder each."""
    if options.fleet:
        found = list(_of_fleet(options.folder))
    else:
        found = [preview.Preview.load(options.folder / f"{stack}.json") for stack in options.stacks]
    if not found:
        raise CiError("comment: name a stack, or use --fleet")
    if options.to:
        options.to.write_text(comment.render(found, limit=comment.GITHUB_LIMIT), encoding="utf-8")
    else:
        marker = comment.FLEET if options.fleet else comment.MARKER
        text = comment.render(found, pull_request.run_link(os.environ), marker=marker)
        print(f"the comment was {pull_request.publish(text, os.environ, marker)}")
    failed = [each.stack for each in found if each.failed]
    if failed:
        raise CiError(f"the preview of {', '.join(failed)} failed; the pull request's comment says why")
    return 0


def _of_fleet(folder: Path) -> Iterator[preview.Preview]:
    """What the agents kept of each shard; where there is nothing, that is told as a failure."""
    fleet = stacks.read(Path())
    kept = {path.stem: path for path in sorted(folder.rglob("*.json"))}
    for shard in fleet.shards:
        try:
            yield preview.Preview.load(kept.get(shard.stack, folder / f"{shard.stack}.json"))
        except CiError as error:
            yield preview.Preview(shard.stack, failed=True, notes=[("error", "", str(error))])
    for number in fleet.without_stack:
        yield preview.Preview(f"shard {number}", failed=True, notes=[("error", "", fleet.missing([number]))])


def do_run(options: argparse.Namespace) -> int:
    """The command's own exit code."""
    with sign_in.environment(dict(os.environ)) as env:
        return _finished(options.words, Path.cwd(), env)


def do_look(options: argparse.Namespace) -> int:
    """The command's own exit code."""
    with (
        sign_in.environment(dict(os.environ)) as env,
        without_secrets.copy(env, Path.cwd()) as (folder, env),
    ):
        return _finished(options.words, folder, env)


def _finished(words: Sequence[str], folder: Path, env: Mapping[str, str]) -> int:
    """Run a command to its end, and end it in order when this run is cancelled."""
    # In a session of its own, a cancelled run's signal reaches the command once, from here: at the first, pulumi
    # ends in order; a second would end it at once and leave its lock behind.
    try:
        process = subprocess.Popen(words, cwd=folder, env=env, start_new_session=True)
    except OSError as error:
        raise CiError(f"{words[0]}: {error.strerror}") from None
    told: list[int] = []

    def cancel(number: int, _: object) -> None:
        if not told:
            told.append(number)
            process.send_signal(signal.SIGINT)

    before = {sign: signal.signal(sign, cancel) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        return process.wait()
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def do_checks(options: argparse.Namespace) -> int:
    """Just after an `up` the resolver may still answer what it was asked before, for as long as the record's TTL."""
    deadline = time.monotonic() + options.patience
    with (
        sign_in.environment(dict(os.environ)) as env,
        without_secrets.copy(env, Path.cwd()) as (folder, env),
    ):
        while True:
            code = subprocess.run(
                [sys.executable, "-m", "checks", "domain", "--stack"], cwd=folder, env=env, check=False
            ).returncode
            left = deadline - time.monotonic()
            if code != 2 or left <= 0:
                break
            print(f"looking again, for {left:.0f} s at most", flush=True)
            time.sleep(min(AGAIN, left))
    if code == 1:
        print("##vso[task.logissue type=warning]the checks found warnings")
        print("##vso[task.complete result=SucceededWithIssues;]the checks found warnings")
        return 0
    return code


def do_propose(options: argparse.Namespace) -> int:
    """What was done is one line; one more for each step that isn't due yet."""
    stack = "" if options.fleet else os.environ.get("PULUMI_STACK", "")
    if not stack and not options.fleet:
        raise CiError("PULUMI_STACK is not set")
    lines = propose.run(stack, options.dry_run, options.rest, dict(os.environ), Path.cwd())
    print(*map(shown, lines), sep="\n")
    if any("URGENT: " in line for line in lines) and not options.dry_run:
        github = os.environ.get("GITHUB_ACTIONS") == "true"
        print(
            f"{'::warning::' if github else '##vso[task.logissue type=warning]'}the proposal for {stack or 'the fleet'} is urgent"
        )
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what stops it is one line on stderr."""
    options = parser().parse_args(arguments)
    try:
        return globals()[f"do_{options.command}"](options)
    except (CiError, UserError) as error:
        print("\n".join(f"tools.ci: {shown(line)}" for line in str(error).splitlines()), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

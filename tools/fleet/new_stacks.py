"""`init`: a stack for each shard of the file that has none, after the model of one that is there."""

from pathlib import Path

import yaml
from pulumi import automation

from policy import UserError
from settings.fleet import KEY
from tools.fleet.engine import Engine
from tools.fleet.stacks import Fleet, Shard

OWN = ("mta-sts:resourceGroup",)  # keys that no two stacks may share


def init(fleet: Fleet, like: str | None) -> list[str]:
    """Make the missing stacks. Secrets of the model's file are encrypted anew for each, by Pulumi itself.

    :param like: the model's name; by default the first shard's.
    :returns: a line for each stack that was made.
    :raises UserError: there is no such model, or a stack can't be made.
    """
    model = next((shard for shard in fleet.shards if like in (None, shard.stack)), None)
    if model is None:
        raise UserError(
            f"--like: {like} is no stack of this fleet; choose one of {', '.join(shard.stack for shard in fleet.shards)}"
        )
    prefix = model.stack.removesuffix(f"-{model.number}")
    engine, told = Engine(), list[str]()
    for number in fleet.without_stack:
        name = f"{prefix}-{number}"
        file = model.file.with_name(f"Pulumi.{name}.yaml")
        if file.exists():
            raise UserError(f"{file.name} is there already and has no {KEY} with the shard {number}; add it there")
        told.append(_make(engine, model, name, number, file))
    return told


def _make(engine: Engine, model: Shard, name: str, number: int, file: Path) -> str:
    folder = str(model.file.parent)
    settings = yaml.safe_load(model.file.read_text(encoding="utf-8"))
    provider = settings.get("secretsprovider")
    more = ["--secrets-provider", provider] if provider else []
    try:
        engine.run(["stack", "init", name, "--no-select", "--copy-config-from", model.stack, *more], folder, {})
        engine.run(["config", "set", "--stack", name, "--path", f"{KEY}.shard", str(number)], folder, {})
        for key in OWN:
            if key in settings["config"]:
                engine.run(["config", "rm", "--stack", name, key], folder, {})
    except automation.CommandError as error:
        lines = [line.partition("error: ")[2] for line in str(error).splitlines() if "error: " in line]
        raise UserError(f"{name}: {lines[0] if lines else error}") from None
    return f"{file.name}: shard {number}, like {model.file.name}"

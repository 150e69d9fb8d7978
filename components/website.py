"""The files of `web/`, read and checked before anything is touched."""

import base64
import json
from pathlib import Path

from policy import UserError

CONFIG = "staticwebapp.config.json"
POLICY = ".well-known/mta-sts.txt"
VALIDATION = ".well-known/pki-validation"  # certificate renewal fetches there (Azure/static-web-apps 888)

# learn.microsoft.com/azure/static-web-apps/configuration: one unknown key and the whole file is ignored
CONFIG_KEYS = {
    "$schema", "auth", "forwardingGateway", "globalHeaders", "mimeTypes", "navigationFallback", "networking",
    "platform", "responseOverrides", "routes", "trailingSlash",
}  # fmt: skip


def read(folder: Path) -> dict[str, str]:
    """The files under a folder: path to text, or to a `data:;base64,` URL where it isn't text.

    :raises UserError: no index.html, a policy of its own, a link, or a configuration that would break the policy.
    """
    paths = {path.relative_to(folder): path for path in sorted(folder.rglob("*"))}
    problems = [
        f"{folder.name}/{name.as_posix()} is a link: what it leads to would be published; put a copy there"
        for name, path in paths.items()
        if path.is_symlink()
    ]
    if problems:
        raise UserError("\n".join(problems))
    files = {name.as_posix(): _text(path) for name, path in paths.items() if path.is_file() and not _hidden(name)}
    problems += [
        f"{folder.name}/{name} would be published, or taken for the site's configuration; only {folder.name}/{CONFIG} counts"
        for name in files
        if name.endswith(f"/{CONFIG}")
    ]
    if "index.html" not in files:
        problems.append(f"{folder.name}/index.html is missing; Static Web Apps refuses a site without it")
    if POLICY in files:
        problems.append(
            f"{folder.name}/{POLICY} must not be there: it is made from mta-sts:policies; delete the file"
        )
    problems += _config_problems(f"{folder.name}/{CONFIG}", files.get(CONFIG, "{}"))
    if problems:
        raise UserError("\n".join(problems))
    return files


def _hidden(name: Path) -> bool:
    """Editors' and desktops' own files; `.well-known` is the one folder with a dot that is meant for others."""
    return any(part.startswith(".") and part != ".well-known" for part in name.parts)


def _text(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "data:;base64," + base64.b64encode(data).decode()


def _config_problems(name: str, text: str) -> list[str]:
    try:
        config = json.loads(text)
        unknown = sorted(set(config) - CONFIG_KEYS)
        routes = [str(route["route"]) for route in config.get("routes", ())]
    except (ValueError, TypeError, KeyError) as error:
        return [f"{name} can't be read: {error}"]
    problems = [f"{name}: the key {key!r} is unknown, so Azure would ignore the whole file" for key in unknown]
    if "navigationFallback" in config:
        problems.append(f"{name}: navigationFallback turns every missing path into a page, a missing policy too")
    problems += [
        f"{name}: the route {route!r} covers /{VALIDATION}/, where certificate renewal must reach"
        for route in routes
        if f"/{VALIDATION}/".startswith(route.rstrip("*")) and route.endswith("*")
    ]
    return problems

"""`python -m sandbox`: the local Azure's command line."""

import argparse
import json
import re
import shlex
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from sandbox import graph, serve
from sandbox.arm import Call, handle, rights, tokens
from sandbox.arm.sites import DOMAIN_TYPE
from sandbox.control import NAMES, Sandbox, SandboxError
from sandbox.dns.view import View
from sandbox.plugins import installed
from sandbox.state import DELAYS, RESOURCE_FAULTS, SHARES, State


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m sandbox", description="Azure on your machine; docs/architecture.md"
    )
    top.add_argument("--dir", type=Path, help="where its state is (SANDBOX_DIR; default .sandbox in the project)")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, help_: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help_, description=help_)
        made.add_argument("--dir", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        made.add_argument("--json", action="store_true", help="as JSON")
        return made

    for name, help_ in (("up", "start it in the background"), ("serve", "run it in the foreground")):
        made = add(name, help_)
        for port in NAMES:
            made.add_argument(
                f"--port-{port}", type=int, metavar="PORT", help=f"where {port} listens (default: a free port)"
            )
    add("down", "stop it; its state stays")
    add("status", "what listens where; exit code 3 when it isn't running")
    add("env", 'print what leads clients here: eval "$(python -m sandbox env)"')
    add("reset", "stop it and forget everything")
    log = add("log", "what was asked of it")
    log.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
    add("unregister", "be a fresh subscription, without this resource provider").add_argument(
        "namespace", metavar="NAMESPACE", help="such as Microsoft.Web"
    )
    zone = add("zone", "make DNS zones, as an administrator would have")
    zone.add_argument("names", nargs="+", metavar="NAME")
    zone.add_argument("--resource-group", default="dns")
    zone.add_argument(
        "--undelegated", action="store_true", help="the registrar leads elsewhere still (without it: here)"
    )
    zone.add_argument("--subscription", type=str.lower, metavar="ID", help="another than the one signed in to")
    zone.add_argument(
        "--served-by", metavar="ADDRESS:PORT", help="not in Azure DNS at all, but on this name server"
    )
    zone.add_argument("--mx", action="append", default=[], metavar="HOST", help="give each zone this MX record")
    mail = add("mail", "put mails into a mailbox of Exchange Online; without any, make it")
    mail.add_argument("address", metavar="ADDRESS")
    mail.add_argument("files", nargs="*", type=Path, metavar="FILE", help="a mail each")
    mail.add_argument("--samples", metavar="DOMAIN", help="a fortnight of sample TLS reports of this domain")
    mail.add_argument("--folder", default="", help="beside the inbox (default: the inbox)")
    mail.add_argument(
        "--allow",
        choices=[graph.READ, graph.WRITE, "nothing"],
        default=graph.READ,
        help="what the application may do there",
    )
    tenant = add("tenant", "add domains to the tenant of Microsoft 365, and let the application list them")
    tenant.add_argument("names", nargs="*", metavar="NAME")
    tenant.add_argument("--unverified", action="store_true", help="its TXT record was never seen")
    tenant.add_argument("--no-mail", action="store_true", help="not for Exchange Online")
    grant = add("grant", "give the sign-in a role, as an administrator would (az role assignment create)")
    grant.add_argument("role", nargs="?", default="Storage Blob Data Contributor", metavar="ROLE", help="default: %(default)s")  # fmt: skip
    grant.add_argument(
        "--scope", default="", metavar="ID", help="of a resource or a group (default: the subscription)"
    )
    set_ = add("set", "set how long things take, or how often they go wrong")
    set_.add_argument("name", choices=[*DELAYS, *SHARES])
    set_.add_argument("value", type=float, help="seconds; per cent for " + ", ".join(SHARES))
    fault = add("fault", "make requests fail")
    fault.add_argument(
        "kind", choices=["status", "hang", "cut", "lose-reply", "half", *RESOURCE_FAULTS, "list", "clear"]
    )
    fault.add_argument("value", nargs="?", type=float, default=0, help="the HTTP status, or seconds")
    for option in ("host", "method", "path"):
        fault.add_argument(f"--{option}", default="", help="which requests (host and path: regular expressions)")
    fault.add_argument("--times", type=int, default=1)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command; mistakes are one line on stderr."""
    options = parser().parse_args(arguments)
    sandbox = Sandbox(options.dir)
    try:
        return globals()[f"do_{options.command}"](sandbox, options)
    except (SandboxError, installed.PluginError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        return 130


def do_serve(sandbox: Sandbox, options: argparse.Namespace) -> int:
    try:
        return serve.main(sandbox.folder, {name: getattr(options, f"port_{name}") or 0 for name in NAMES})
    except OSError as error:
        raise SandboxError(f"can't listen: {error.strerror or error}") from None


def do_up(sandbox: Sandbox, options: argparse.Namespace) -> int:
    started = sandbox.up(**{name: getattr(options, f"port_{name}") for name in NAMES})
    if not options.json:
        print("the local Azure is up" if started else "the local Azure was up already")
    return do_status(sandbox, options)


def do_down(sandbox: Sandbox, options: argparse.Namespace) -> int:
    print("the local Azure is stopped; its state stays" if sandbox.down() else "the local Azure was not running")
    return 0


def do_reset(sandbox: Sandbox, options: argparse.Namespace) -> int:
    sandbox.reset()
    print("the local Azure is stopped and empty")
    return 0


def do_status(sandbox: Sandbox, options: argparse.Namespace) -> int:
    found = sandbox.running
    if options.json:
        print(json.dumps({"running": bool(found), "dir": str(sandbox.folder), **(found or {})}))
        return 0 if found else 3
    if not found:
        print("the local Azure is not running; start it: python -m sandbox up")
        return 3
    state = sandbox.state
    sites, zones = (
        len(list(state.of("Microsoft.Web/staticSites"))),
        len(list(state.of("Microsoft.Network/dnszones"))),
    )
    print(f"  proxy  http://127.0.0.1:{found['proxy']}   to management.azure.com and the like, nowhere else")
    print(f"  dns    127.0.0.1:{found['dns']}          UDP and TCP")
    print(f"  https  127.0.0.1:{found['https']}          what the proxy leads to")
    if "http" in found:  # one that was started by an older version has none
        print(f"  http   127.0.0.1:{found['http']}          leads on to https")
    print(
        f"  state  {sandbox.folder}   {sites} sites, {len(list(state.of(DOMAIN_TYPE)))} custom domains, {zones} zones"
    )
    print(f"  plugin {installed.describe()}   (SANDBOX_AZURE_NATIVE: real, stand-in, auto)")
    print(f"  since  {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(found['since']))}, process {found['pid']}")
    return 0


def do_env(sandbox: Sandbox, options: argparse.Namespace) -> int:
    env = sandbox.env()
    if options.json:
        found: dict[str, Any] = sandbox.running or {}
        top = {"proxy": env["HTTPS_PROXY"], "dns": env["MTA_STS_RESOLVER"], "ca": env["SSL_CERT_FILE"],
               "arm": f"https://{serve.ARM}", "https": f"127.0.0.1:{found.get('https')}", "dir": str(sandbox.folder)}  # fmt: skip
        print(json.dumps({**top, "env": env}, indent=2))
    else:
        print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in env.items()))
    return 0


def do_log(sandbox: Sandbox, options: argparse.Namespace) -> int:
    last = 0
    while True:
        for line in sandbox.log(last):
            last = line["id"]
            clock = time.strftime("%H:%M:%S", time.localtime(line["time"]))
            short = f"{clock} {line['service']:5} {line['status']:3} {line['method']:6} {line['host']}{line['path'] if line['service'] != 'dns' else ''}  {line['detail'][:160]}"  # fmt: skip
            print(json.dumps(line) if options.json else short.rstrip(), flush=True)
        if not options.follow:
            return 0
        time.sleep(0.3)


def do_set(sandbox: Sandbox, options: argparse.Namespace) -> int:
    if options.name in SHARES:
        sandbox.share(options.name, options.value)
        print(f"{options.name} is {options.value:g} % from now on")
    else:
        sandbox.delay(options.name, options.value)
        print(f"{options.name} takes {options.value:g} s from now on")
    return 0


def do_unregister(sandbox: Sandbox, options: argparse.Namespace) -> int:
    sandbox.unregister(options.namespace)
    print(f"{options.namespace} is not registered from now on")
    return 0


def do_fault(sandbox: Sandbox, options: argparse.Namespace) -> int:
    db = sandbox.state.db
    if options.kind == "clear":
        db.execute("DELETE FROM faults")
    elif options.kind == "list":
        for row in db.execute("SELECT kind, value, host, method, path, times FROM faults").fetchall():
            print(*row, sep="\t")
    else:
        sandbox.fault(options.kind, options.value, host=options.host, method=options.method, path=options.path, times=options.times)  # fmt: skip
    return 0


def do_tenant(sandbox: Sandbox, options: argparse.Namespace) -> int:
    from sandbox.graph import domains

    domains.consent(sandbox.state)
    for name in options.names:
        services = [service for service in domains.SERVICES if service != "Email" or not options.no_mail]
        domains.make(sandbox.state, name, not options.unverified, services)
    return 0


def do_mail(sandbox: Sandbox, options: argparse.Namespace) -> int:
    from sandbox.graph import samples

    state = sandbox.state
    graph.make_mailbox(state, options.address, options.allow.removeprefix("nothing"))
    try:
        mails = [file.read_bytes() for file in options.files]
    except OSError as error:
        raise SandboxError(f"can't read {error.filename}: {error.strerror}") from None
    graph.deliver(state, options.address, *mails, folder=options.folder)
    if options.samples:
        zone = f"/subscriptions/{state.setting('subscription')}/resourceGroups/dns/providers/Microsoft.Network/dnsZones/{samples.SIGNERS}"

        def put(name: str, strings: list[str]) -> None:
            _put(state, f"{zone}/TXT/{name}", {"properties": {"TTL": 300, "TXTRecords": [{"value": strings}]}})

        _make_group(state, zone.partition("/providers/")[0])
        if state.get(zone) is None:
            _put(state, zone, {"location": "global"})
        samples.deliver(state, options.address, options.samples, put)
        print(f"sample TLS reports: python -m checks reports graph://{options.address}")
    return 0


def _put(state: State, path: str, body: dict[str, Any]) -> None:
    """As an administrator would."""
    headers = {"authorization": f"Bearer {tokens.current(state)[0]}"}
    answer = handle(Call(state, View(state), "PUT", path, {"api-version": "2018-05-01"}, headers, body))
    if answer.status >= 400:
        raise SandboxError(answer.body["error"]["message"])


def _make_group(state: State, group: str) -> None:
    if state.get(group) is None:
        _put(state, group, {"location": "westeurope"})


def do_grant(sandbox: Sandbox, options: argparse.Namespace) -> int:
    state = sandbox.state
    guid = next((guid for guid, (name, _) in rights.BUILT_IN.items() if options.role in (name, guid)), "")
    if not guid:
        known = ", ".join(name for name, _ in rights.BUILT_IN.values())
        raise SandboxError(f"the local Azure has no role {options.role}; it has {known}")
    subscription, who = f"/subscriptions/{state.setting('subscription')}", state.setting("object")
    scope = options.scope.rstrip("/") or subscription
    if not re.match(r"/subscriptions/[^/]+(/|\Z)", scope):
        raise SandboxError(f"--scope {options.scope} is no resource id: it begins with {subscription}")
    if not any(_is_given(body["properties"], guid, who, scope) for body in state.of(rights.ASSIGNMENT)):
        role = f"{subscription}/providers/{rights.DEFINITION}/{guid}"
        given = {"roleDefinitionId": role, "principalId": who, "principalType": "ServicePrincipal"}
        _put(state, f"{scope}/providers/{rights.ASSIGNMENT}/{uuid.uuid4()}", {"properties": given})
    print(f"{who} is {options.role} of {scope}")
    return 0


def _is_given(given: dict[str, str], guid: str, who: str, scope: str) -> bool:
    same_role = given["roleDefinitionId"].lower().endswith(guid)
    return same_role and given["principalId"] == who and given["scope"].lower() == scope.lower()


def do_zone(sandbox: Sandbox, options: argparse.Namespace) -> int:
    state = sandbox.state
    for name in options.names if options.served_by else ():
        state.set(f"served-elsewhere {name.lower()}", options.served_by)
    if options.served_by:
        return 0
    if options.subscription and options.subscription not in state.subscriptions:
        state.set("other-subscriptions", f"{state.optional('other-subscriptions')} {options.subscription}")
    subscription = options.subscription or state.setting("subscription")
    group = f"/subscriptions/{subscription}/resourceGroups/{options.resource_group}"

    _make_group(state, group)
    for name in options.names:
        zone = f"{group}/providers/Microsoft.Network/dnsZones/{name}"
        if state.get(zone) is None:
            _put(state, zone, {"location": "global"})
            print(f"DNS zone {name} is in resource group {options.resource_group}")
        body = state.get(zone)
        if body and bool(body.get("_undelegated")) != options.undelegated:
            state.put({**body, "_undelegated": options.undelegated})
        if options.mx and state.get(f"{zone}/MX/@") is None:
            records = [{"preference": 10 * at, "exchange": host} for at, host in enumerate(options.mx, 1)]
            _put(state, f"{zone}/MX/@", {"properties": {"TTL": 300, "MXRecords": records}})
        for host in options.mx:  # those in the zone are mail servers on this machine
            label = host.removesuffix(f".{name}")
            if label != host and state.get(f"{zone}/A/{label}") is None:
                _put(
                    state,
                    f"{zone}/A/{label}",
                    {"properties": {"TTL": 300, "ARecords": [{"ipv4Address": "127.0.0.1"}]}},
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())

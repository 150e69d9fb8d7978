"""No answer of a name server, a policy host or a mail server crashes the checks, holds them up, or passes for well.

All attacks are looked at in one run, with domains among them that are well: these must be found so.
"""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import dns.message
import pytest
from internet_servers import Hosts, Records, Talk, answered, https, listening, name_server, page, view_of

from checks import domain as validator
from checks import preflight, secure
from checks.domain import look_at
from checks.finding import Domain, Finding, Level, exit_code
from checks.look import Look, Shared, run
from internet import dns_view, smtp
from internet import https as https_view
from internet.address import Server
from internet.view import View
from policy import Policy
from security import hostile_dns, hostile_http, hostile_smtp
from settings.policies import Domain as Configured
from settings.policies import PolicySettings
from zones.manual import ManualDns

WELL = [f"well-{at}.test" for at in range(4)]
BY_DNS = {f"dns-{at}.test": attack for at, attack in enumerate(hostile_dns.ATTACKS.values())}
BY_HTTP = {f"http-{at}.test": attack for at, attack in enumerate(hostile_http.ATTACKS.values())}
BY_SMTP = {f"smtp-{at}.test": attack for at, attack in enumerate(hostile_smtp.ATTACKS.values())}
TITLES = {
    **dict(zip(BY_DNS, (f"DNS, {title}" for title in hostile_dns.ATTACKS), strict=True)),
    **dict(zip(BY_HTTP, (f"HTTP, {title}" for title in hostile_http.ATTACKS), strict=True)),
    **dict(zip(BY_SMTP, (f"SMTP, {title}" for title in hostile_smtp.ATTACKS), strict=True)),
}
NAMES = {title: name for name, title in TITLES.items()}


def address(group: int, at: int) -> str:
    """A loopback address of one's own."""
    return f"127.{group}.{at // 250}.{at % 250 + 1}"


def records(name: str, http: str, mail: str) -> Records:
    """A domain whose records are right."""
    policy = Policy.parse(hostile_http.POLICY.replace(b"{name}", name.encode()))
    return {
        (name, "NS"): ("ns.test.",),
        (name, "SOA"): (f"ns.test. x.{name}. 1 1 1 1 1",),
        (name, "MX"): (f"10 mx.{name}.",),
        (f"mx.{name}", "A"): (mail,),
        (f"mta-sts.{name}", "A"): (http,),
        (f"_mta-sts.{name}", "TXT"): (f'"v=STSv1; id={policy.id};"',),
        (f"_smtp._tls.{name}", "TXT"): ('"v=TLSRPTv1; rua=mailto:tls@example.org"',),
    }


@dataclass
class Staged:
    """An internet with all attacks in it."""

    view: View
    mail_port: int


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    hosts, zone = Hosts(), dict(records("nobody.test", "127.0.0.1", "127.0.0.1"))
    ca = tmp_path_factory.mktemp("hostile") / "ca.pem"
    hosts.ca.cert_pem.write_to_path(str(ca))
    names = [*WELL, *BY_DNS, *BY_HTTP, *BY_SMTP]
    web = hosts.context(*(f"mta-sts.{name}" for name in names))
    mail = hosts.context(*(f"mx.{name}" for name in names))
    web_talks, mail_talks = dict[str, Talk](), dict[str, Talk]()
    right_mail = hostile_smtp.Attack().talk(lambda sock: mail.wrap_socket(sock, server_side=True))
    for at, name in enumerate(names):
        http, mail_address = address(11, at), address(12, at)
        zone |= records(name, http, mail_address)
        body = hostile_http.POLICY.replace(b"{name}", name.encode())
        web_talks[http] = _web(BY_HTTP.get(name), web, name) if name in BY_HTTP else https(web, page(body))
        by_smtp = BY_SMTP.get(name)
        mail_talks[mail_address] = by_smtp.talk(lambda sock: mail.wrap_socket(sock, server_side=True)) if by_smtp else right_mail  # fmt: skip
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(https_view, "PORT", stack.enter_context(listening(web_talks)))
        for module in (https_view, smtp):
            patch.setattr(module, "STEP", 2.0)
            patch.setattr(module, "TOTAL", 3.0)
        patch.setattr(dns_view, "LIFETIME", 3.0)
        patch.setattr(dns_view, "TIMEOUT", 2.0)
        port = stack.enter_context(name_server(_dns(zone)))
        ours = Server("ns.test", "127.0.0.1", port)
        mail_port = stack.enter_context(listening(mail_talks))
        yield Staged(view_of(port, name_servers=(ours,), ca_file=str(ca)), mail_port)


def _web(attack: hostile_http.Attack | None, context: ssl.SSLContext, name: str) -> Talk:
    assert attack
    talk = attack.talk
    if isinstance(talk, bytes):
        talk = talk.replace(b"{name}", name.encode()) if b"Content-Length" not in talk else _sized(talk, name)
        data = talk
        return (lambda sock: sock.sendall(data)) if attack.raw else https(context, data)
    return talk if attack.raw else https(context, talk)


def _sized(answer: bytes, name: str) -> bytes:
    """The domain's name put in, with the length that this makes, where the length was right before."""
    head, _, body = answer.partition(b"\r\n\r\n")
    size = f"Content-Length: {len(body)}".encode()
    body = body.replace(b"{name}", name.encode())
    return head.replace(size, f"Content-Length: {len(body)}".encode()) + b"\r\n\r\n" + body


def _dns(zone: Records) -> Callable[[bytes, bool], bytes | None]:
    by_question = {(attack.owner.format(name), attack.kind): attack for name, attack in BY_DNS.items()}

    def answer(data: bytes, by_tcp: bool) -> bytes | None:
        if attack := by_question.get(hostile_dns.asked(data)):
            reply = attack.answer
            return reply.by_tcp(data) if by_tcp and isinstance(reply, hostile_dns.OnlyByTcp) else reply(data)
        query = dns.message.from_wire(data)
        assert isinstance(query, dns.message.QueryMessage)
        return answered(query, zone).to_wire()

    return answer


@pytest.fixture(scope="module")
def found(internet: Staged) -> dict[str, Domain]:
    hostile = list(TITLES)
    names = [WELL[0], *hostile[::3], WELL[1], *hostile[1::3], WELL[2], *hostile[2::3], WELL[3]]
    return {domain.name: domain for domain in look_at(names, internet.view, smtp_port=internet.mail_port)}


def findings(domain: Domain, check: str) -> list[Finding]:
    """Those of one check."""
    return [line for line in domain.lines if line.check.partition(" ")[0] == check]


def test_the_corpus_is_large_enough() -> None:
    assert len(TITLES) >= 120


@pytest.mark.parametrize("name", WELL)
def test_domains_that_are_well_are_found_so_among_the_others(found: dict[str, Domain], name: str) -> None:
    lines = found[name].lines
    assert {line.check for line in lines} >= {"record", "policy-host", "policy", "id", "mx", f"server mx.{name}"}
    rest = [line for line in lines if line.check != "dnssec"]  # this internet has no signed root
    assert [line for line in rest if line.level != Level.PASS and "why it is slow" not in line.way_out] == []


@pytest.mark.parametrize("title", NAMES)
def test_an_attack_neither_breaks_a_check_nor_passes_it(found: dict[str, Domain], title: str) -> None:
    domain = found[NAMES[title]]
    assert not [line for line in domain.lines if line.defect], domain.lines
    attack = (BY_DNS | BY_HTTP | BY_SMTP)[NAMES[title]]
    lines = findings(domain, getattr(attack, "check", "server"))
    if getattr(attack, "passes", False):
        assert [line.level for line in lines] == [Level.PASS], lines
    else:
        assert lines, domain.lines
        assert any(line.level != Level.PASS for line in lines), lines
    if title.startswith("DNS, packet"):  # what can't be read is no proof that nothing is there
        assert {line.level for line in lines} <= {Level.UNCHECKED, Level.FAIL}
    assert all(line.check and isinstance(line.text, str) for line in domain.lines)


def test_what_is_too_much_is_told_as_not_checked(found: dict[str, Domain]) -> None:
    lines = findings(found[NAMES["DNS, MX: 1,500"]], "server")
    assert len(lines) == secure.MAIL_SERVERS + 1
    assert lines[-1].text == "20 mail servers were tried, and 1480 more not"
    assert lines[-1].level == Level.UNCHECKED


def test_a_check_that_breaks_says_nothing_of_the_domain_and_ends_the_run_with_its_own_code(
    internet: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = iter([MemoryError(), UnicodeEncodeError("idna", "x", 0, 1, "label too long"), RecursionError()])

    def broken(_: Look, port: int | None) -> Iterator[Finding]:
        raise next(errors)

    monkeypatch.setattr(secure, "dane", broken)
    domains = look_at(WELL[:3], internet.view, smtp_port=None)
    for domain in domains:
        assert domain.of("dane") == Level.UNCHECKED
        assert domain.of("policy") == Level.PASS
        assert [line.check for line in domain.lines if line.defect] == ["dane"]
    assert exit_code(domains) == 70


def test_name_servers_of_a_strange_kind_are_an_answer_or_none() -> None:
    for title, answer in hostile_dns.NAME_SERVERS.items():

        def ask(data: bytes, by_tcp: bool, answer: hostile_dns.Answer = answer) -> bytes | None:
            name, kind = hostile_dns.asked(data)
            if kind == hostile_dns.NS:
                tcp = by_tcp and isinstance(answer, hostile_dns.OnlyByTcp)
                return answer.by_tcp(data) if tcp else answer(data)  # type: ignore[union-attr]
            soa = hostile_dns.record(hostile_dns.SOA, hostile_dns.name(b"ns") * 2 + bytes(20))
            return (
                hostile_dns.packet(data, soa) if name == "example.test" else hostile_dns.packet(data, flags=0x8583)
            )

        with name_server(ask) as port:
            look = Look("example.test", Shared(view_of(port).within(1.5)))
            (finding,) = run(look, {"name-servers": validator.name_servers})
        assert finding.level == Level.UNCHECKED, title
        assert not finding.defect, title


def test_the_preflight_of_the_same_domains_keeps_to_its_deadline_and_to_the_point(internet: Staged) -> None:
    @dataclass(frozen=True)
    class Nowhere:
        zone: str = ""
        name_servers: tuple[str, ...] = ()

    def plan(name: str) -> preflight.Plan:
        policy = Policy.of("enforce", 604800, [f"mx.{name}"])
        return preflight.Plan(Configured(name, ManualDns()), PolicySettings("main", policy, "Free"))

    names = [*BY_DNS, *WELL]
    looking = preflight.Preflight([plan(name) for name in names], internet.view, deadline=20)
    warnings, errors = looking.finish(dict.fromkeys(names, Nowhere()))
    told = [text for text in (*warnings, *errors) if text.startswith("well-")]
    assert all("is a host of its own" in text for text in told), told
    assert not [text for text in warnings if "this check broke" in text]

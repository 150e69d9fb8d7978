"""A real IMAP server, dovecot, as an ordinary process on a free port of loopback."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import trustme
from imapclient import IMAPClient
from ports import free_port
from processes import stop

PROGRAM = "/usr/sbin/dovecot"
USER, PASSWORD = "tls-reports@example.org", "correct hörse"


class Dovecot:
    """A server with one user, over TLS by an authority of its own.

    :param without: capabilities that it doesn't tell of.
    :param settings: further lines of its configuration.
    """

    def __init__(self, without: Iterable[str] = (), settings: str = "") -> None:
        if not Path(PROGRAM).exists():
            pytest.skip("dovecot is not installed (apt-get install dovecot-imapd)")
        # As root it runs as nobody, who can't go into pytest's folders; and sockets' paths are short.
        self.owner = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        self.folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.mail = self.folder / "mail"
        self.port, self.without, self.settings = free_port(), set(without), settings
        self.ca, self.log = self.folder / "ca.pem", self.folder / "log"
        self.delivered = 0

    @property
    def address(self) -> str:
        """Its INBOX."""
        return f"imaps://{USER}@localhost:{self.port}/INBOX"

    @property
    def env(self) -> dict[str, str]:
        """What leads to it, and in."""
        return {"SSL_CERT_FILE": str(self.ca), "MTA_STS_IMAP_PASSWORD": PASSWORD}

    def __enter__(self) -> "Dovecot":
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca)
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(self.folder / "server.pem")
        (self.folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        for folder in ("new", "cur", "tmp"):
            (self.mail / folder).mkdir(parents=True, exist_ok=True)
        self._configure()
        self._give()
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self) -> None:
        """With the mails that are there."""
        stop(self.process)
        self._start()

    def _configure(self) -> None:
        name = self.owner.pw_name
        group = subprocess.run(["id", "-gn", name], capture_output=True, text=True, check=True).stdout.strip()
        capability = ""
        if self.without:
            known = "IMAP4rev1 SASL-IR LITERAL+ ENABLE UIDPLUS MOVE UNSELECT"
            capability = f"imap_capability = {' '.join(sorted(set(known.split()) - self.without))}\n"
        (self.folder / "dovecot.conf").write_text(
            f"base_dir = {self.folder}/run\nstate_dir = {self.folder}/run\nlog_path = {self.log}\n"
            f"protocols = imap\nlisten = 127.0.0.1\ndefault_internal_user = {name}\ndefault_login_user = {name}\n"
            f"default_internal_group = {group}\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n"
            f"service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = 0\n  }}\n  inet_listener imaps {{\n"
            f"    port = {self.port}\n    ssl = yes\n  }}\n}}\nservice anvil {{\n  chroot =\n}}\n"
            f"service stats {{\n  chroot =\n}}\n"
            f"ssl = required\nssl_cert = <{self.folder}/server.pem\nssl_key = <{self.folder}/server.pem\n"
            f"passdb {{\n  driver = passwd-file\n  args = {self.folder}/users\n}}\n"
            f"userdb {{\n  driver = static\n  args = uid={self.owner.pw_uid} gid={self.owner.pw_gid} home={self.folder}\n}}\n"
            f"mail_location = maildir:{self.mail}\nmail_max_userip_connections = 50\nmail_fsync = never\n{capability}{self.settings}"
        )

    def _give(self) -> None:
        """All files to whom it runs as."""
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", f"{self.owner.pw_uid}:{self.owner.pw_gid}", self.folder], check=True)

    def _start(self) -> None:
        more: dict[str, Any] = {}
        if os.getuid() == 0:
            more = {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []}
        self.process = subprocess.Popen(
            [PROGRAM, "-F", "-c", self.folder / "dovecot.conf"], cwd=self.folder, **more,
            stdout=subprocess.DEVNULL, stderr=(self.folder / "errors").open("ab"),
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError((self.folder / "errors").read_text() + self.told)
            time.sleep(0.05)

    @property
    def told(self) -> str:
        """Its log."""
        return self.log.read_text() if self.log.exists() else ""

    def deliver(self, *mails: bytes, folder: str = "") -> None:
        """Mails arrive, all at once."""
        target = self.mail / folder
        for mail in mails:
            self.delivered += 1
            path = target / "tmp" / f"{self.delivered:07}.M{self.delivered}P1.host"
            path.write_bytes(mail)
            if os.getuid() == 0:
                os.chown(path, self.owner.pw_uid, self.owner.pw_gid)
            path.rename(target / "new" / path.name)

    def client(self) -> IMAPClient:
        """Somebody who reads the mailbox."""
        import ssl

        client = IMAPClient("localhost", self.port, ssl_context=ssl.create_default_context(cafile=self.ca))
        client.plain_login(USER, PASSWORD)
        return client

    def flags(self, folder: str = "INBOX") -> dict[int, tuple[bytes, ...]]:
        """A folder's mails by UID, and their flags."""
        with self.client() as client:
            client.select_folder(folder, readonly=True)
            found: dict[int, Any] = client.fetch(client.search(), ["FLAGS"])
            return {uid: data[b"FLAGS"] for uid, data in found.items()}

    def new_uids(self) -> None:
        """Every mail gets another UID, and the folder another UIDVALIDITY: as after a restored backup."""
        stop(self.process)
        for file in self.mail.glob("dovecot*"):
            file.unlink()
        for file in (self.mail / "cur").iterdir():
            file.rename(file.with_name(file.name.partition(":")[0] + ":2,"))
        time.sleep(1.1)  # UIDVALIDITY is a time in seconds
        self._start()

"""The branch of a proposal, by git: fetched, made anew from main as one commit, deleted.

By git and not by a service's own API: one push replaces the branch at once, from the commit that was seen there to the
new one (`--force-with-lease`), and both services take it. The token is in the child's environment alone.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from checks.shown import shown
from tools.ci.errors import CiError

NAME, MAIL = (
    "mta-sts proposals",
    "mta-sts-proposals@invalid",
)  # whose commits are ours (RFC 2606 2: nobody's address)
MAIN, PROPOSAL = "refs/mta-sts/main", "refs/mta-sts/proposal"
TOKENS = ("SYSTEM_ACCESSTOKEN", "GITHUB_TOKEN", "GH_TOKEN")


class Branch:
    """One branch in the repository that the run is for.

    :param folder: in a clone; the stack's file is in it.
    :param url: of the repository.
    :param authorization: of the header that signs in there.
    :param main: the default branch, by its short name.
    :param hint: what to do where the service refuses a push.
    """

    def __init__(self, folder: Path, url: str, authorization: str, main: str, name: str, hint: str) -> None:
        self.folder, self.main, self.name, self.hint = folder, main, name, hint
        at = urlsplit(url)
        host = at.hostname or ""
        self.url = at._replace(netloc=f"{host}:{at.port}" if at.port else host).geturl()  # without a user name
        self._signed_in = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{self.url}.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: {authorization}",
        }
        self.tip = ""

    def fetch(self) -> str:
        """Main with its whole history, and the branch where there is one.

        :returns: the commit of main.
        :raises CiError: it can't be fetched.
        """
        known = self._git("ls-remote", self.url, f"refs/heads/{self.main}", f"refs/heads/{self.name}", remote=True)
        heads = {ref: commit for commit, ref in (line.split() for line in known.splitlines())}
        if f"refs/heads/{self.main}" not in heads:
            raise CiError(f"{self.url} has no branch {self.main}")
        self.tip = heads.get(f"refs/heads/{self.name}", "")
        deeper = ["--unshallow"] if self._git("rev-parse", "--is-shallow-repository").strip() == "true" else []
        refs = [f"+refs/heads/{self.main}:{MAIN}"]
        refs += [f"+refs/heads/{self.name}:{PROPOSAL}"] if self.tip else []
        self._git("fetch", "--quiet", "--no-tags", *deeper, self.url, *refs, remote=True)
        return self._git("rev-parse", MAIN).strip()

    @property
    def ours(self) -> bool:
        """Whether nothing stands on the branch but one commit of ours, or what has been merged."""
        told = self._git("log", "--format=%an%x00%ae%x00%cn%x00%ce", f"{MAIN}..{PROPOSAL}").splitlines()
        return len(told) <= 1 and all(line.split("\0") == [NAME, MAIL, NAME, MAIL] for line in told)

    def stands(self, after: Mapping[str, str]) -> bool:
        """Whether the branch brings exactly these texts to the files as they are in main now.

        :param after: by the files' names.
        """
        return (
            self._git("rev-list", "--count", f"{MAIN}..{PROPOSAL}").strip() == "1"
            and set(self._git("diff", "--name-only", "-z", f"{PROPOSAL}^", PROPOSAL).split("\0")) - {""} == set(map(self._path, after))
            and all(
                self._blob(f"{PROPOSAL}^", file) == self._blob(MAIN, file) and self._blob(PROPOSAL, file) == text
                for file, text in after.items()
            )
        )  # fmt: skip

    def put(self, after: Mapping[str, str], message: str) -> None:
        """Make the branch one commit on main that gives files these texts.

        :raises CiError: the push is refused, or somebody has pushed meanwhile.
        """
        with tempfile.TemporaryDirectory(prefix="mta-sts-propose-") as place:
            index = {"GIT_INDEX_FILE": f"{place}/index"}
            self._git("read-tree", MAIN, more=index)
            for file, text in after.items():
                path = self._path(file)
                mode = self._git("ls-tree", "--full-tree", MAIN, path).split()[0]
                blob = self._git("hash-object", "-w", "--stdin", given=text).strip()
                self._git("update-index", "--cacheinfo", f"{mode},{blob},{path}", more=index)
            tree = self._git("write-tree", more=index).strip()
        who = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in (("NAME", NAME), ("EMAIL", MAIL))}  # fmt: skip
        commit = self._git("commit-tree", tree, "-p", MAIN, "-F", "-", given=message, more=who).strip()
        self._push(f"{commit}:refs/heads/{self.name}")
        self.tip = commit

    def delete(self) -> None:
        """:raises CiError: as `put`."""
        self._push(f":refs/heads/{self.name}")
        self.tip = ""

    def _push(self, what: str) -> None:
        lease = f"--force-with-lease=refs/heads/{self.name}:{self.tip}"
        self._git("push", "--quiet", "--no-verify", lease, self.url, what, remote=True)

    def _path(self, file: str) -> str:
        return self._git("rev-parse", "--show-prefix").strip() + file

    def _blob(self, commit: str, file: str) -> str:
        return self._git("cat-file", "blob", f"{commit}:./{file}")

    def _git(
        self, *words: str, given: str = "", more: Mapping[str, str] | None = None, remote: bool = False
    ) -> str:
        env = {name: value for name, value in os.environ.items() if name not in TOKENS}
        env |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **(more or {}), **(self._signed_in if remote else {})}
        if remote and env.get("SSL_CERT_FILE"):
            env.setdefault("GIT_SSL_CAINFO", env["SSL_CERT_FILE"])
        try:
            run = subprocess.run(
                ["git", *words], cwd=self.folder, env=env, input=given.encode(), capture_output=True, check=False
            )
        except OSError:
            raise CiError("git is not on PATH") from None
        if run.returncode:
            raise CiError(self._refusal(words[0], run.stderr.decode(errors="replace")))
        return run.stdout.decode()

    def _refusal(self, command: str, said: str) -> str:
        lines = [line.strip() for line in said.splitlines() if line.strip()] or ["no reason given"]
        if "stale info" in said or "fetch first" in said:
            return f"somebody has pushed to {self.name} meanwhile; it is left as it is until the next run"
        told = next(
            (line for line in lines if "TF40" in line or "remote:" in line or "rejected" in line), lines[0]
        )
        refused = any(sign in said for sign in ("403", "TF401027", "Permission", "denied", "not permitted"))
        return f"git {command}: {shown(told, longest=300)}{f'; {self.hint}' if refused else ''}"

"""A history in a container of Azure Storage: `azblob://CONTAINER/PATH`, as Pulumi names the container of a state.

The account is AZURE_STORAGE_ACCOUNT, or `?storage_account=NAME` at the end. The blob is copied to this machine, and
replaced by the copy where it is still the one that was read (If-Match; learn.microsoft.com/rest/api/storageservices,
"Specifying conditional headers"): so two runs at once lose nothing, the later one counts again.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from checks import azure
from checks.history import ChangedError
from policy import UserError
from provider.azure import signed_in

SCOPE = "https://storage.azure.com/.default"
ROLE = "it takes the role Storage Blob Data Contributor on the container (docs/reports.md)"


class Blob:
    """One blob, and the copy of it.

    :param where: `azblob://CONTAINER/PATH[?storage_account=NAME]`.
    :raises UserError: it names no blob.
    """

    def __init__(self, where: str) -> None:
        from azure.storage.blob import BlobClient, ExponentialRetry

        parts = urlsplit(where)
        name = unquote(parts.path).strip("/")
        account = parse_qs(parts.query).get("storage_account", [""])[0] or os.environ.get(
            "AZURE_STORAGE_ACCOUNT", ""
        )
        if not parts.netloc or not name:
            raise UserError(f"{where} names no blob; write azblob://CONTAINER/PATH")
        if not account:
            raise UserError(f"{where}: which storage account? Set AZURE_STORAGE_ACCOUNT")
        self.where, self._etag = where, ""
        with azure.told(where, ROLE):  # the client would try a sign-in that is refused for a minute and more
            signed_in().get_token(SCOPE)
        self._client = BlobClient(
            f"https://{account}.blob.core.windows.net", parts.netloc, name, credential=signed_in(),
            retry_policy=ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=4), **azure.options(),
        )  # fmt: skip
        self._folder = Path(tempfile.mkdtemp(prefix="mta-sts-"))  # for its owner alone
        self.file = self._folder / "history.db"

    def download(self, missing: bool) -> Path:
        """Copy it here.

        :param missing: it may be missing; then there is no file yet.
        :raises UserError: it can't be had.
        """
        from azure.core.exceptions import ResourceNotFoundError

        try:
            with azure.told(self.where, ROLE), self.file.open("wb") as file:
                self.file.chmod(0o600)
                try:
                    found = self._client.download_blob()
                    found.readinto(file)
                    self._etag = str(found.properties.etag)
                except ResourceNotFoundError as error:
                    if str(getattr(error, "error_code", "")) != "BlobNotFound":
                        raise
                    if not missing:
                        raise UserError(f"there is no history {self.where}") from None
        except BaseException:
            self.close()
            raise
        if not self._etag:
            self.file.unlink()
        return self.file

    def upload(self) -> None:
        """Replace it by the copy.

        :raises ChangedError: somebody else has replaced it meanwhile.
        """
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceExistsError, ResourceModifiedError

        conditions: dict[str, Any] = {"overwrite": False}
        if self._etag:
            conditions = {"overwrite": True, "etag": self._etag, "match_condition": MatchConditions.IfNotModified}
        with azure.told(self.where, ROLE), self.file.open("rb") as file:
            try:
                self._etag = str(self._client.upload_blob(file, **conditions)["etag"])
            except (ResourceModifiedError, ResourceExistsError):
                raise ChangedError(f"{self.where} was changed by another run meanwhile; run this again") from None

    def close(self) -> None:
        """Take the copy away."""
        self._client.close()
        shutil.rmtree(self._folder, ignore_errors=True)

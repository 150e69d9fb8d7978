"""Lists of containers and blobs, page by page.

learn.microsoft.com/rest/api/storageservices: List Containers, List Blobs.
"""

import base64
from email.utils import formatdate
from xml.etree import ElementTree

from sandbox.storage.blobs import NAMES, Blob, find
from sandbox.storage.containers import check_container
from sandbox.storage.wire import Ask, BlobError, Reply, not_modelled, xml

PAGE = 5000  # entries of a list, by default and at most
LEASE = {"LeaseStatus": "unlocked", "LeaseState": "available"}


def list_containers(ask: Ask) -> Reply:
    rows = ask.state.db.execute(
        "SELECT name, etag, changed FROM containers WHERE account = ? ORDER BY name", (ask.account["name"],)
    ).fetchall()
    entries: dict[str, ElementTree.Element | None] = {name: _properties({"Last-Modified": formatdate(changed, usegmt=True), "Etag": etag, **LEASE})
               for name, etag, changed in rows if name.startswith(ask.query.get("prefix", ""))}  # fmt: skip
    return _listed(ask, "Containers", "Container", entries)


def list_blobs(ask: Ask) -> Reply:
    check_container(ask)
    prefix, delimiter = ask.query.get("prefix", ""), ask.query.get("delimiter", "")
    names = ask.state.db.execute(
        "SELECT name FROM block_blobs WHERE account = ? AND container = ? ORDER BY name",
        (ask.account["name"], ask.container),
    ).fetchall()
    entries: dict[str, ElementTree.Element | None] = {}
    for (name,) in names:
        if not name.startswith(prefix):
            continue
        rest = name.removeprefix(prefix)
        if delimiter and delimiter in rest:
            entries[prefix + rest.partition(delimiter)[0] + delimiter] = None
        else:
            entries[name] = _blob_properties(find(ask.state, ask.account["name"], ask.container, name))
    return _listed(ask, "Blobs", "Blob", entries)


def _blob_properties(blob: Blob | None) -> ElementTree.Element:
    assert blob
    shown = {name: blob.headers.get(name, "") for name in (*NAMES, "Content-MD5")}
    times = {"Creation-Time": formatdate(blob.created, usegmt=True), "Last-Modified": formatdate(blob.changed, usegmt=True)}  # fmt: skip
    return _properties({**times, "Etag": blob.etag.strip('"'), "Content-Length": str(len(blob.content)), **shown,
                        "BlobType": "BlockBlob", "AccessTier": "Hot", "AccessTierInferred": "true", **LEASE, "ServerEncrypted": "true"})  # fmt: skip


def _properties(values: dict[str, str]) -> ElementTree.Element:
    element = ElementTree.Element("Properties")
    for name, value in values.items():
        ElementTree.SubElement(element, name).text = value
    return element


def _listed(ask: Ask, many: str, one: str, entries: dict[str, ElementTree.Element | None]) -> Reply:
    """A page of a list; an entry without properties is a common prefix."""
    if ask.query.get("include"):
        raise not_modelled(f"include={ask.query['include']} of a list")
    try:
        size = int(ask.query.get("maxresults", PAGE))
        after = base64.urlsafe_b64decode(ask.query.get("marker", "")).decode()
    except ValueError:
        raise BlobError(400, "InvalidQueryParameterValue") from None
    if size < 1:
        raise BlobError(400, "InvalidQueryParameterValue")
    size = min(size, PAGE)
    names = [name for name in entries if name >= after]
    endpoint = ask.account["properties"]["primaryEndpoints"]["blob"]
    root = ElementTree.Element("EnumerationResults", {"ServiceEndpoint": endpoint})
    if ask.container:
        root.set("ContainerName", ask.container)
    for name, tag in {"prefix": "Prefix", "marker": "Marker", "maxresults": "MaxResults", "delimiter": "Delimiter"}.items():  # fmt: skip
        if name in ask.query:
            ElementTree.SubElement(root, tag).text = ask.query[name]
    listed = ElementTree.SubElement(root, many)
    for name in names[:size]:
        properties = entries[name]
        entry = ElementTree.SubElement(listed, "BlobPrefix" if properties is None else one)
        ElementTree.SubElement(entry, "Name").text = name
        if properties is not None:
            entry.append(properties)
    following = base64.urlsafe_b64encode(names[size].encode()).decode() if len(names) > size else ""
    ElementTree.SubElement(root, "NextMarker").text = following
    return xml(200, root)

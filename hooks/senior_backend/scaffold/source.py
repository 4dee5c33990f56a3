"""Where the template comes from: always a Git address, so that the service can be updated."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from senior_backend import bundle, git
from senior_backend.errors import InputError, NotRunError

HOME = "gh:org/senior-backend"
"""Where the template lives when neither a checkout nor an installation says otherwise."""


@dataclass(frozen=True, slots=True)
class Source:
    """A template's address, as Copier takes and records it, and the revision to take."""

    address: str
    ref: str | None = None
    """A tag, branch or hash; None is Copier's choice, the newest tag."""
    note: str | None = None
    """What the user should know about this source."""

    @property
    def local(self) -> Path | None:
        """The repository's folder on this machine, or None for a remote one."""
        found = re.match(r"(?:git\+)?file://(/.*)", self.address)
        return Path(unquote(found[1])) if found else None


def find(ref: str | None = None) -> Source:
    """The source that belongs to the running code: its checkout, else its installation's origin.

    Raises:
        NotRunError: the checkout is one, but Git cannot read it.
    """
    root = bundle.checkout()
    source = (root and of_checkout(root)) or of_installation(_direct_url()) or Source(HOME)
    return Source(source.address, ref or source.ref, source.note)


def of_checkout(root: Path) -> Source | None:
    """The last commit of a checkout; None when ``root`` is not the top of a Git work tree.

    The commit goes by its hash: Copier keeps a mirror of each address, and the HEAD of a mirror
    stays on the branch that it was made from.

    Raises:
        NotRunError: Git refuses the repository, or there is no commit yet.
    """
    try:
        if git.root(root) != root.resolve():
            return None
    except InputError:
        return None
    try:
        commit = git.run(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], root).strip()
    except NotRunError:
        raise NotRunError(f"{root} has no commit to generate from; commit it first") from None
    note = None
    if git.is_dirty(root):
        note = f"uncommitted changes in {root} are not included; commit them to generate from them"
    return Source(_file_address(root), commit, note)


def of_installation(direct_url: str | None) -> Source | None:
    """The repository that pip or uv installed from, from the text of its PEP 610 record."""
    record = json.loads(direct_url) if direct_url else {}
    if "dir_info" in record:  # `pip install FOLDER`
        folder = Source(record["url"]).local
        return of_checkout(folder) if folder and folder.is_dir() else None
    origin = record.get("vcs_info", {})
    if origin.get("vcs") != "git":
        return None
    return Source("git+" + record["url"].removeprefix("git+"), origin.get("commit_id"))


def named(text: str, ref: str | None = None) -> Source:
    """The source that a user typed: an address in one of Copier's forms, or a local repository.

    Raises:
        InputError: it is no address, and no Git repository on this machine either.
    """
    if re.match(r"(gh|gl):.|git\+.|[^/:@]+@[^/:]+:.", text):
        return Source(text, ref)
    if re.match(r"[a-z][a-z+]*://.", text):
        return Source(f"git+{text}", ref)
    path = Path(text).expanduser()
    if not path.is_dir():
        raise InputError(
            f"--from {text}: no such folder and no Git address; "
            "give gh:OWNER/NAME, a Git URL or a local repository"
        )
    checkout = of_checkout(path.resolve())
    if checkout is None:
        raise InputError(f"--from {text}: is not the top folder of a Git repository")
    return Source(checkout.address, ref, checkout.note)


def git_url(address: str) -> str:
    """A recorded address in the spelling that the ``git`` command takes."""
    plain = address.removeprefix("git+")
    for alias, host in (("gh:", "https://github.com/"), ("gl:", "https://gitlab.com/")):
        if plain.startswith(alias):
            return host + plain.removeprefix(alias).removeprefix("/")
    return plain


def _file_address(root: Path) -> str:
    return f"git+file://{quote(str(root))}"


def _direct_url() -> str | None:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution("senior-backend").read_text("direct_url.json")
    except PackageNotFoundError:
        return None

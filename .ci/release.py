"""``make release VERSION=1.2.3``: set the version, date the changelog, commit and tag; no push."""

import datetime
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERSION_FILE = ROOT / "hooks/senior_backend/__init__.py"
CHANGELOG = ROOT / "CHANGELOG.md"
UNRELEASED = "## Unreleased\n"
# Where people copy a version from: `rev: v1.2.3`.
PINNED = [ROOT / "README.md", ROOT / "SKILL.md", *sorted(ROOT.glob("references/*/*.md"))]


def git(*arguments: str) -> str:
    """The output of a git command in this repository."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def refusal(version: str) -> str | None:
    """Why ``version`` cannot be released now, or None."""
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", version):
        return f"VERSION must look like 1.2.3 or 1.2.3rc1, not '{version}'"
    if subprocess.run(
        ["git", "var", "GIT_COMMITTER_IDENT"], cwd=ROOT, capture_output=True
    ).returncode:
        return "git does not know who you are; set user.name and user.email first"
    if git("status", "--porcelain"):
        return "the work tree has uncommitted changes; commit them first"
    if git("tag", "--list", f"v{version}"):
        return f"the tag v{version} exists; a release is never moved"
    _, _, after = CHANGELOG.read_text().partition(UNRELEASED)
    if not re.split(r"^## ", after, maxsplit=1, flags=re.MULTILINE)[0].strip():
        return "CHANGELOG.md says nothing under '## Unreleased'; write what users get"
    return None


def main(version: str) -> None:
    """Release ``version`` from a clean work tree."""
    if reason := refusal(version):
        sys.exit(f"release: {reason}")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    VERSION_FILE.write_text(
        re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', VERSION_FILE.read_text())
    )
    CHANGELOG.write_text(
        CHANGELOG.read_text().replace(UNRELEASED, f"{UNRELEASED}\n## {version} - {today}\n", 1)
    )
    for page in PINNED:
        page.write_text(re.sub(r"(rev: )v[\w.]+", rf"\1v{version}", page.read_text()))
    git("commit", "--all", "--message", f"Release {version}")
    git("tag", "--annotate", f"v{version}", "--message", f"Release {version}")
    print(f"release: tagged v{version}; publish it with: git push --follow-tags")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")

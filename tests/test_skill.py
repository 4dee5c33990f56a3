"""SKILL.md and README.md tell the truth: valid, linked, and every command in them parses."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from senior_backend.cli import TOOLS, cli

ROOT = Path(__file__).resolve().parent.parent
SKILL = ROOT / "SKILL.md"
DOCUMENTS = [SKILL, ROOT / "README.md"]
PORTABLE_FIELDS = {
    "name",
    "description",
    "license",
    "compatibility",
    "metadata",
    "allowed-tools",
}


def shell_lines(document: Path) -> list[str]:
    blocks = re.findall(
        r"^```(?:sh|bash|console)\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL
    )
    inline = re.findall(r"`((?:senior-backend|make|python scripts/)[^`]*)`", document.read_text())
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [line.split("  #")[0] for line in [*lines, *inline] if line and line[0] != "#"]


COMMANDS = sorted({(d.name, line) for d in DOCUMENTS for line in shell_lines(d)})


def test_the_skill_has_the_portable_fields_only_and_is_short() -> None:
    _, front, body = SKILL.read_text().split("---\n", 2)
    assert set(yaml.safe_load(front)) == PORTABLE_FIELDS
    assert len(body.splitlines()) < 300


def test_the_format_validator_accepts_the_skill(tmp_path: Path) -> None:
    skill = tmp_path / "senior-backend"
    skill.mkdir()
    shutil.copy(SKILL, skill)
    validator = Path(sys.executable).parent / "agentskills"
    done = subprocess.run([validator, "validate", skill], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_reference_page_is_linked_from_the_skill_or_from_the_list_of_rules() -> None:
    pages = {p.relative_to(ROOT).as_posix() for p in ROOT.glob("references/**/*.md")}
    linked = SKILL.read_text() + (ROOT / "docs/rules.md").read_text()
    assert {p for p in pages if p not in linked} == set()


@pytest.mark.parametrize("command", [line for _, line in COMMANDS if "senior-backend " in line])
def test_every_senior_backend_command_parses(command: str) -> None:
    words = shlex.split(command)
    for start in [i for i, word in enumerate(words) if word == "senior-backend"]:
        parse([word for word in words[start + 1 :] if word not in ("...", "<command>")])


def parse(arguments: list[str]) -> None:
    """Resolve the command and parse its options, without running it."""
    group: click.Command = cli
    context = click.Context(cli, info_name="senior-backend")
    while isinstance(group, click.Group) and arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
        command = group.get_command(context, name)
        assert command is not None, f"{name} is no command; there are {list(TOOLS)}"
        group = command
    if not isinstance(group, click.Group):
        group.make_context(group.name, list(arguments), resilient_parsing=False)


@pytest.mark.parametrize("command", [line for _, line in COMMANDS if line.startswith("python ")])
def test_every_script_parses(command: str) -> None:
    script = shlex.split(command)[1]
    done = subprocess.run(
        [sys.executable, script, "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    flags = [word for word in shlex.split(command) if word.startswith("--")]
    assert [flag for flag in flags if flag not in done.stdout] == []


@pytest.mark.parametrize(
    "target",
    sorted({t for _, line in COMMANDS if line.startswith("make ") for t in line.split()[1:]}),
)
def test_every_make_target_exists_here_or_in_a_service(target: str) -> None:
    if target.startswith("-") or "=" in target or target.isupper():
        return
    makefiles = [ROOT / "Makefile", ROOT / "template/Makefile.jinja"]
    text = "\n".join(m.read_text() for m in makefiles)
    assert re.search(rf"^{re.escape(target)}:", text, re.MULTILINE), f"no Makefile has '{target}'"

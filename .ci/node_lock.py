"""Write the lock file of a Node tree anew: one file that renders to npm's own for every answer.

`npm install` on a fresh service must change nothing, so what only some answers need stands in a
condition. Run by `make node-lock` (UPGRADE=1: to the newest versions that package.json allows).
"""

import difflib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import jinja2

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / "template" / "{% if language == 'node' %}.{% endif %}"
TREES = {
    framework: ROOT / "template" / f"{{% if framework == '{framework}' %}}.{{% endif %}}"
    for framework in ("express", "graphql")
}
# What is rendered is compared, so these must occur nowhere else.
ANSWERS = {"project_name": "@@name@@", "description": "-", "license": "@@license@@"}
FIELDS = {
    '"@@name@@"': "{{ project_name | to_json }}",
    '"@@license@@"': "\"{{ 'UNLICENSED' if license == 'none' else license }}\"",
}


def render(template: Path, cache: str) -> str:
    """The file of a service whose answers are `ANSWERS` and this `cache`."""
    environment = jinja2.Environment(  # noqa: S701 - it writes JSON
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    environment.filters["to_json"] = lambda value, **_: json.dumps(value)
    return environment.from_string(template.read_text()).render(**ANSWERS, cache=cache)


def lock(tree: Path, cache: str, *, upgrade: bool) -> list[str]:
    """The lock file that npm writes for this answer, starting from the one there is."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / ".npmrc").write_bytes((NODE / ".npmrc").read_bytes())
        (directory / "package.json").write_text(
            # npm refuses such a name, and writes any licence as it stands.
            render(tree / "package.json.jinja", cache).replace("@@name@@", "name--name")
        )
        written = directory / "package-lock.json"
        if (tree / "package-lock.json.jinja").exists():
            written.write_text(render(tree / "package-lock.json.jinja", cache))
        command = "update" if upgrade else "install"
        subprocess.run(
            ["npm", command, "--package-lock-only", "--no-audit", "--no-fund"],
            cwd=directory,
            check=True,
            env={**os.environ, "npm_config_userconfig": os.devnull},
        )
        return written.read_text().replace("name--name", "@@name@@").splitlines(keepends=True)


def merged(without: list[str], with_redis: list[str]) -> str:
    """Both files as one template."""
    lines: list[str] = []

    def condition(test: str, block: list[str]) -> None:
        if block:
            lines.extend([f"{{%- if cache {test} 'redis' %}}\n", *block, "{%- endif %}\n"])

    for tag, a, b, c, d in difflib.SequenceMatcher(
        None, without, with_redis, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            lines.extend(without[a:b])
        else:
            condition("!=", without[a:b])
            condition("==", with_redis[c:d])
    text = "".join(lines)
    for placeholder, expression in FIELDS.items():
        text = text.replace(placeholder, expression)
    return text


def main() -> int:
    """Write the lock file of every Node tree."""
    upgrade = bool(os.environ.get("UPGRADE"))
    for name, tree in TREES.items():
        redis = lock(tree, "redis", upgrade=upgrade)
        text = merged(lock(tree, "none", upgrade=upgrade), redis)
        (tree / "package-lock.json.jinja").write_text(text)
        print(f"wrote the lock file of {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Write what is generated: the rules' pages and their list, what was seen of locks, the schemas.

Run by `make docs`; a test compares what is committed with what this would write.
"""

import json
import sys
from pathlib import Path

from senior_backend.load import result
from senior_backend.load.comparison import document as comparison
from senior_backend.load.scenario import model as scenario
from senior_backend.migrations.fixes.registry import written
from senior_backend.migrations.prove import document as proof_document
from senior_backend.migrations.rollback.formats import document as rollback_document
from senior_backend.migrations.rules import pages, registry
from senior_backend.migrations.trace.formats import document as trace_document

ROOT = Path(__file__).resolve().parent.parent
PAGES = "references/migrations"
LIST = "docs/rules.md"
LOCKS = "docs/locks.md"
SCHEMAS = {
    "hooks/senior_backend/schemas/load-scenario.json": scenario.schema,
    "hooks/senior_backend/schemas/load-result.json": result.schema,
    "hooks/senior_backend/schemas/load-comparison.json": comparison.schema,
    "hooks/senior_backend/schemas/trace.json": trace_document.schema,
    "hooks/senior_backend/schemas/rollback.json": rollback_document.schema,
    "hooks/senior_backend/schemas/proof.json": proof_document.schema,
}


def generated() -> dict[str, str]:
    """Contents by path, relative to the repository's root."""
    rules = {rule_id: module.RULE for rule_id, module in registry.modules().items()}
    files = {f"{PAGES}/{rule_id}.md": pages.page(rule) for rule_id, rule in rules.items()}
    schemas = {path: json.dumps(make(), indent=2) + "\n" for path, make in SCHEMAS.items()}
    return {**files, **schemas, LIST: pages.index(rules, written()), LOCKS: _locks()}


def _locks() -> str:
    """From the tests' recordings, which are no part of the package."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from tests.migrations.lock_model import page

    return page.page()


def main() -> int:
    """Write what differs, remove pages of rules that are gone."""
    wanted = generated()
    for path in (ROOT / PAGES).glob("*.md"):
        name = path.relative_to(ROOT).as_posix()
        if name not in wanted and path.stem != "ignore-comment":
            path.unlink()
            print(f"removed {name}")
    for name, content in wanted.items():
        path = ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

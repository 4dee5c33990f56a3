"""What the image takes is enough to run: its steps, carried out without Docker."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.service import free_port
from tests.template import node
from tests.template.make import MACHINE, UV, environment
from tests.template.trees import EXAMPLES, TREES

pytestmark = pytest.mark.verify


Steps = list[tuple[str, str]]


def stages(dockerfile: str) -> dict[str, Steps]:
    """Each stage by its name, the final one as "": its instructions, continued lines joined."""
    text = dockerfile.replace("\\\n", " ")
    found: dict[str, Steps] = {}
    for stage in re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]:
        first, _, rest = stage.partition("\n")
        name = first.partition(" AS ")[2]
        found[name] = re.findall(r"^([A-Z]+) (.+)$", rest, re.MULTILINE)
    return found


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        leftovers = shutil.ignore_patterns("__pycache__", "generated")
        shutil.copytree(source, target, symlinks=True, ignore=leftovers, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


def copy_of_context(steps: Steps, service: Path, image: Path) -> None:
    """What these instructions copy from the service."""
    for instruction, arguments in steps:
        if instruction == "COPY" and "--from" not in arguments:
            *sources, target = arguments.split()
            for name in sources:
                (image / target).parent.mkdir(parents=True, exist_ok=True)
                copy(service / name, image / target)


def python_image(service: Path, directory: Path) -> tuple[Path, Path]:
    """The working folder of the image, and the folder of its programs."""
    image, packages = directory / "srv", directory / "venv"
    image.mkdir()
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, packages], check=True)
    install = [UV, "pip", "install", "--quiet", "--python", packages / "bin" / "python"]
    lock = service / "requirements.txt"
    subprocess.run([*install, "--require-hashes", "-r", lock], check=True)
    copy_of_context(stages((service / "Dockerfile").read_text())[""], service, image)
    return image, packages / "bin"


def carried_out(service: Path, directory: Path) -> Path:
    """The folder of the last stage; each stays in its own, so that all can be carried out."""
    folders: dict[str, Path] = {}
    for name, steps in stages((service / "Dockerfile").read_text()).items():
        folder = folders[name] = directory / (name or "srv")
        folder.mkdir()
        copy_of_context(steps, service, folder)
        for instruction, arguments in steps:
            if instruction == "RUN":
                subprocess.run(arguments, shell=True, cwd=folder, env=environment(), check=True)
            elif instruction == "COPY" and arguments.startswith("--from="):
                stage, source, target = arguments.removeprefix("--from=").split()
                # Not as `copy` does: what a stage has built is generated.
                made = folders[stage] / Path(source).relative_to(workdir_of(service, stage))
                if made.is_dir():
                    shutil.copytree(made, folder / target, symlinks=True)
                else:
                    shutil.copy2(made, folder / target)
    return folders[""]


def node_image(service: Path, directory: Path) -> tuple[Path, Path]:
    """The same."""
    image = carried_out(service, directory)
    kept = {path.name for path in (image / "node_modules").iterdir()}
    assert not {"prisma", "typescript", "vitest", "eslint"} & kept, "development packages"
    return image, node.folder(MACHINE)


def go_image(service: Path, directory: Path) -> tuple[Path, Path]:
    """The same, where nothing is needed: there is no program and no C library beside the binary."""
    image = carried_out(service, directory)
    (binary,) = image.iterdir()
    assert b"/ld-linux" not in binary.read_bytes(), "linked with a C library"
    return image, directory / "no programs"


def workdir_of(service: Path, stage: str) -> str:
    return dict(stages((service / "Dockerfile").read_text())[stage])["WORKDIR"]


IMAGES = {"python": python_image, "node": node_image, "go": go_image}


# What the example changes in an image is shown by two trees.
@pytest.mark.parametrize(
    ("tree", "example"),
    [
        *itertools.product(["fastapi", "express"], EXAMPLES),
        *itertools.product(["go", "graphql"], ["orders"]),
    ],
)
def test_the_image_migrates_serves_and_is_healthy(
    generate: Callable[..., Path], tree: str, example: str, database_url: str, tmp_path: Path
):
    service = generate(tmp_path / "svc", framework=tree, example=example)
    steps = stages((service / "Dockerfile").read_text())[""]
    image, programs = IMAGES[TREES[tree].language](service, tmp_path)

    settings = dict(
        part.split("=", 1)
        for instruction, arguments in steps
        if instruction == "ENV"
        for part in arguments.split()
    )
    variables = environment(
        **settings
        | {
            "PATH": f"{programs}{os.pathsep}/usr/bin:/bin",
            "PORT": str(free_port()),
            "METRICS_PORT": str(free_port()),
            "DATABASE_URL": database_url,
            "OIDC_ISSUER": "https://issuer.example.com",
            "OIDC_AUDIENCE": "service",
            "SHUTDOWN_DRAIN_MS": "100",
        }
    )
    assert variables["APP_ENV"] == "production"
    commands = {
        name: json.loads(arguments[arguments.index("[") :].replace("/srv/", f"{image}/"))
        for name, arguments in steps
        if name in {"CMD", "HEALTHCHECK"}
    }

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=image, env=variables, capture_output=True, text=True, check=False
        )

    assert run(commands["HEALTHCHECK"]).returncode != 0, "nothing runs yet"
    migrated = run([*commands["CMD"], "migrate"])
    assert migrated.returncode == 0, migrated.stderr
    server = subprocess.Popen(commands["CMD"], cwd=image, env=variables)
    try:
        deadline = time.monotonic() + 30
        while run(commands["HEALTHCHECK"]).returncode != 0:
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 0
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize("platform", ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"])
def test_every_package_has_a_wheel_for_the_image(
    generate: Callable[..., Path], platform: str, tmp_path: Path
):
    """The slim image has no compiler, and its Python is newer than the one that runs this test."""
    service = generate(tmp_path / "svc", framework="fastapi")
    python = re.search(r"(?m)^FROM python:(\d+\.\d+)", (service / "Dockerfile").read_text())
    assert python
    install = [UV, "pip", "install", "--quiet", "--dry-run", "--only-binary", ":all:"]
    target = [
        "--target",
        tmp_path / "packages",
        "--python-version",
        python[1],
        "--python-platform",
        platform,
    ]
    lock = ["--require-hashes", "-r", service / "requirements.txt"]
    result = subprocess.run([*install, *target, *lock], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr

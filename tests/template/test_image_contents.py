"""What the image takes is enough to run: its steps, carried out without Docker."""

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
from tests.template.make import UV, environment
from tests.template.trees import EXAMPLES

pytestmark = pytest.mark.verify


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """The final stage: each instruction with its arguments, continued lines joined."""
    final_stage = dockerfile.rpartition("FROM ")[2].replace("\\\n", " ")
    return re.findall(r"^([A-Z]+) (.+)$", final_stage, re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_image_migrates_serves_and_is_healthy(
    installed: Callable[..., Path], example: str, database_url: str, tmp_path: Path
):
    service = installed("fastapi", example)
    steps = instructions((service / "Dockerfile").read_text())
    image, packages = tmp_path / "srv", tmp_path / "venv"
    image.mkdir()
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, packages], check=True)
    install = [UV, "pip", "install", "--quiet", "--python", packages / "bin" / "python"]
    lock = service / "requirements.txt"
    subprocess.run([*install, "--require-hashes", "-r", lock], check=True)
    for instruction, arguments in steps:
        if instruction == "COPY" and "--from" not in arguments:
            source, target = arguments.split()
            copy = shutil.copytree if (service / source).is_dir() else shutil.copy2
            copy(service / source, image / target)
    shutil.rmtree(image / "app" / "__pycache__", ignore_errors=True)

    settings = dict(
        part.split("=", 1)
        for instruction, arguments in steps
        if instruction == "ENV"
        for part in arguments.split()
    )
    variables = environment(
        **settings
        | {
            "PATH": f"{packages / 'bin'}{os.pathsep}/usr/bin:/bin",
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
        name: json.loads(arguments[arguments.index("[") :])
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
    installed: Callable[..., Path], platform: str, tmp_path: Path
):
    """The slim image has no compiler, and its Python is newer than the one that runs this test."""
    service = installed("fastapi", "orders")
    python = re.search(r"(?m)^FROM python:(\d+\.\d+)", (service / "Dockerfile").read_text())
    assert python
    install = [UV, "pip", "install", "--quiet", "--dry-run", "--only-binary", ":all:"]
    target = ["--target", tmp_path, "--python-version", python[1], "--python-platform", platform]
    lock = ["--require-hashes", "-r", service / "requirements.txt"]
    result = subprocess.run([*install, *target, *lock], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr

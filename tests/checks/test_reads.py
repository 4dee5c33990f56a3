"""Which environment variables a file reads: what each reader finds, and what it must not invent."""

import time

import pytest

from senior_backend.checks.environment import reader

PYTHON = [
    ("import os\nos.environ['A']", ["A"]),
    ("import os\nos.environ.get('A', 'x'); os.getenv('B')", ["A", "B"]),
    ("import os as _os\n_os.environ['A']", ["A"]),
    ("import os.path\nos.environ['A']", ["A"]),
    ("from os import environ as env, getenv\nenv['A']; getenv('B')", ["A", "B"]),
    ("import os\n'A' in os.environ; 'B' not in os.environ", ["A", "B"]),
    ("import os\nNAME = 'A'\nos.environ[NAME]", ["A"]),
    ("import os\na = os.environ.pop('A', None)", ["A"]),
    ("import os\nasync def f():\n  if (a := os.getenv('A')): ...", ["A"]),
    ("import os\nos.environ[f'{x}_URL']; os.getenv('APP_' + y)", ["*_URL", "APP_*"]),
    # Not reads.
    ("import os\nos.environ['A'] = '1'; del os.environ['B']", []),
    ("import os\nos.environ.setdefault('A', '1'); os.environ.pop('B', None)", []),
    ("import os\n# os.environ['A']\n'os.environ[\"B\"]'", []),
    ("import os\nos.environ[name]; os.environ.copy()", []),
    ("environ = {}\nenviron['A']; getenv('B')", []),
    ("import os\nos.path.get('A'); cache.get('B')", []),
]

SETTINGS = [
    ("class S(BaseSettings):\n  database_url: str\n  Port: int = 1", ["DATABASE_URL", "PORT"]),
    ("class S(BaseSettings, env_prefix='APP_'):\n  debug: bool", ["APP_DEBUG"]),
    (
        "class S(BaseSettings):\n  model_config = SettingsConfigDict(env_prefix='APP_')\n  a: int",
        ["APP_A"],
    ),
    ("class S(BaseSettings):\n  model_config = {'env_prefix': 'APP_'}\n  a: int", ["APP_A"]),
    ("class S(BaseSettings):\n  class Config:\n    env_prefix = 'APP_'\n  a: int", ["APP_A"]),
    ("class S(BaseSettings):\n  model_config = {'case_sensitive': True}\n  aB: int", ["aB"]),
    ("class S(BaseSettings):\n  a: int = Field(alias='B')", ["B"]),
    ("class S(BaseSettings):\n  a: int = Field(alias='B', validation_alias='C')", ["C"]),
    ("class S(BaseSettings):\n  a: Annotated[int, Field(validation_alias='B')]", ["B"]),
    ("class S(BaseSettings):\n  a: int = Field(validation_alias=AliasChoices('B', 'C'))", ["B"]),
    ("class S(BaseSettings):\n  a: int = Field(env=['B', 'C'])", ["B"]),
    ("class A(BaseSettings):\n  x: int\nclass B(A):\n  y: int", ["X", "Y"]),
    # A base of another file: its prefix shows that this is a settings class.
    ("class S(CommonSettings, env_prefix='APP_'):\n  a: int", ["APP_A"]),
    # Names that cannot be told from this file.
    ("class Base(BaseSettings, env_prefix='APP_'):\n  pass", ["APP_*"]),
    ("class S(BaseSettings):\n  model_config = {'alias_generator': f}\n  a: int", []),
    ("class S(BaseSettings):\n  a: int = Field(alias=compute())", []),
    # Not filled from the environment, or filled through the fields of another class.
    ("class S(BaseSettings):\n  _a: int = 1\n  b: ClassVar[int] = 2\n  c = 3", []),
    ("class S(BaseModel):\n  a: int", []),
    ("class D(BaseSettings):\n  a: int\nclass S(BaseSettings):\n  d: D = D()", ["A"]),
    ("class S(BaseSettings):\n  d: D = Field(default_factory=D)", []),
    ("class S(BaseSettings):\n  @property\n  def a(self) -> int: ...", []),
]

JAVASCRIPT = [
    ("process.env.A; process.env['B']; process.env[\"C\"]", ["A", "B", "C"]),
    ("process?.env?.A ?? process.env!.B", ["A", "B"]),
    ("const { A, B: b, C = 'x', ...rest } = process.env;", ["A", "B", "C"]),
    ("const {\n  A,\n  B,\n}: NodeJS.ProcessEnv = process.env\n", ["A", "B"]),
    ("const env = process.env;\nenv.A", ["A"]),
    ("import { env } from 'node:process';\nenv.A", ["A"]),
    ("import { env as e } from 'process';\ne.A", ["A"]),
    (
        "`https://${process.env.HOST}:${a ? `${process.env.A}` : 1}/ // x` + process.env.B",
        ["HOST", "A", "B"],
    ),
    ("`a${x}//b` + process.env.A", ["A"]),
    ("`${ {a: 1}.a }//` + process.env.A", ["A"]),
    ("import.meta.env.VITE_A", ["VITE_A"]),
    ("if (process.env.A === 'x') process.env.B ||= '1'", ["A", "B"]),
    ("const a = process.env.A, u = 'https://x'; // process.env.B\n/* process.env.C */", ["A"]),
    ("process.env[`${name}_URL`]", ["*_URL"]),
    (
        (
            "import { z } from 'zod';\n"
            "z.object({ A: z.enum(['X', 'Y']), 'B': number(1, 2).default(1), // C: z.string()\n"
            "  D: z.string().check((d) => { E: f(d) }) }).parse(process.env)"
        ),
        ["A", "B", "D"],
    ),
    (
        (
            "import * as z from 'zod/v4';\nconst S = z\n  .strictObject({\n    A: z.string(),\n"
            "  });\n"
            "export const read = (env = process.env) => S.parse(env);"
        ),
        ["A"],
    ),
    ("const { z } = require('zod');\nz.object({ A: z.string() }).parse(process.env)", ["A"]),
    # Not reads.
    ("import { z } from 'zod';\nz.object({ A: z.string() }); f(process.env.B)", ["B"]),
    ("import { z } from 'zod';\nz.object({ a: z.object({ A: z.string() }) }); f(process.env)", []),
    ("import { z } from './own';\nz.object({ A: z.string() }).parse(process.env)", []),
    ("process.env.A = '1'; process.env['B'] = '2'; delete process.env.C", []),
    ("throw new Error('process.env.A is missing')", []),
    ("process.env.hasOwnProperty('A') && process.env.toString?.()", []),
    ("process.environment.A; process.env", []),
    ("import.meta.env.MODE + import.meta.env.BASE_URL", []),
    ("const { a } = process.env.A_LIST", ["A_LIST"]),
    ("spawn(cmd, { env: { ...process.env, A: '1' } })", []),
    ("config.env.A; const other = { env: 1 }", []),
]

GO = [
    ('x := os.Getenv("A")\nv, ok := os.LookupEnv("B")', ["A", "B"]),
    ('os.Getenv(\n\t"A",\n)', ["A"]),
    ('const key = "A"\nfunc f() { os.Getenv(key) }', ["A"]),
    ('type C struct {\n\tPort int `json:"p" env:"PORT,required" envDefault:"80"`\n}', ["PORT"]),
    ('type C struct {\n\tDSN string `env:"DSN, default=x"`\n}', ["DSN"]),
    ('type D struct { H string `env:"HOST"` }\ntype C struct { D D `envPrefix:"DB_"` }', ["*HOST"]),
    ('os.Getenv("APP_" + name)', ["APP_*"]),
    ('viper.SetEnvPrefix("app")', ["APP_*"]),
    # Not reads.
    ('// os.Getenv("A")\n/* os.Getenv("B") */', []),
    ('fmt.Println("os.Getenv(\\"A\\")", `os.Getenv("B")`)', []),
    ('os.Setenv("A", "1"); os.Getenv(name)', []),
    ('type C struct { A int `env:"-" json:"env"` }', []),
    ('r := \'"\'; x := os.Getenv("A")', ["A"]),
]

COMPOSE = [
    ("image: app:${TAG:-latest}\nports: ['${PORT}:80', \"$HOST:1\"]", ["TAG", "PORT", "HOST"]),
    ("x: ${A:?must be set}", ["A"]),
    ("test: pg_isready -U $${A} $$B  # ${C}\n# ${D}", []),
]

TABLE = [
    (path, text, names)
    for path, rows in (
        ("a.py", PYTHON),
        ("a.py", [(f"from pydantic_settings import BaseSettings\n{t}", n) for t, n in SETTINGS]),
        ("a.ts", JAVASCRIPT),
        ("a.go", GO),
        ("compose.yml", COMPOSE),
    )
    for text, names in rows
]


@pytest.mark.parametrize(("path", "text", "names"), TABLE)
def test_a_reader_finds_every_read_and_invents_none(path: str, text: str, names: list[str]) -> None:
    read = reader(path)
    assert read is not None
    found = [(r.line, r.name or r.names[0]) for r in read(text)]
    assert sorted(name for _, name in found) == sorted(names)


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("a.py", "import os\n\nx = (\n    os.environ['A'])", 4),
        ("a.ts", "/*\n*/ `\n` + process.env.A", 3),
        ("a.ts", "const {\n  B,\n  A,\n} = process.env", 3),
        ("a.go", '/*\n*/\nvar x = `\n`\nvar y = os.Getenv("A")', 5),
        ("compose.yml", "a:\n  b: ${A}", 2),
    ],
)
def test_a_read_knows_its_line(path: str, text: str, line: int) -> None:
    read = reader(path)
    assert read is not None
    assert [r.line for r in read(text) if r.name == "A"] == [line]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.go", 'var a = "b" // c\n' * 40_000),
        ("a.py", "import os\nos.getenv('A')\n" * 20_000),
        ("a.ts", "process;" + "import { env " * 20_000),
        ("a.ts", "process;" + "const a : b " * 20_000),
        ("compose.yml", "a: ${A} $\n" * 40_000),
    ],
    ids=lambda value: value[:12],
)
def test_a_generated_file_takes_seconds_at_most(path: str, text: str) -> None:
    read = reader(path)
    assert read is not None
    started = time.process_time()
    list(read(text))
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "path",
    [
        "app/main.py", "web/app.tsx", "a.mjs", "App.vue", "cmd/main.go", "compose.yml",
        "docker-compose.prod.yaml", "contest/latest.py", "src/testing.ts",
    ],
)  # fmt: skip
def test_the_code_of_a_product_is_read(path: str) -> None:
    assert reader(path)


@pytest.mark.parametrize(
    "path",
    [
        "tests/a.py", "app/test_a.py", "a_test.py", "conftest.py", "src/__tests__/a.ts",
        "a.test.ts", "a.spec.tsx", "main_test.go", "internal/testdata/a.go", "types.d.ts",
        "e2e/a.js", "README.md", "composer.yml", "main.rs",
    ],
)  # fmt: skip
def test_tests_and_other_languages_are_not_read(path: str) -> None:
    assert reader(path) is None

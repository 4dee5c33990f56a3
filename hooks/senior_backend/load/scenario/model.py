"""The scenario as data. The descriptions are what an editor shows (``schemas/load-scenario.json``).

Field names are those of the file, save that times end in ``_ns`` and sizes in ``_bytes`` here.
What needs more than one field to be judged, or the files it names, is judged in ``compile``.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticCustomError

from senior_backend.load.scenario import durations
from senior_backend.load.scenario.errors import suggestion

SECOND: Final = 1_000_000_000

_USUAL: Final = {
    "rps": "rate",
    "url": "path",
    "assert": "expect",
    "checks": "expect",
    "sleep": "pause",
    "think_time": "pause",
    "extract": "capture",
    "host": "target",
    "base_url": "target",
}
"""What other tools call it -> what it is called here."""

_ELSEWHERE: Final = {
    "capture": "what is captured is used by later steps: write it in the steps of a flow",
    "pause": "only the steps of a flow wait for each other: write it there",
    "weight": "endpoints and flows are chosen by weight, not the steps of a flow",
}


def _wrong(
    message: str, at: tuple[str | int, ...] = (), *, key: bool = False
) -> PydanticCustomError:
    """An error whose message is meant for the user, at a place below the value that is judged.

    ``key``: it is the key that is wrong, not its value.
    """
    context = {"message": message, "at": at, "key": key}
    return PydanticCustomError("scenario", "{message}", context)


def _parsed(parse: Callable[[str], Any], what: str) -> Callable[[object], Any]:
    def convert(value: object) -> Any:  # noqa: ANN401 - what `parse` gives
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise _wrong(f"{what}, not {_kind(value)}")
        try:
            return parse(str(value))
        except ValueError as error:
            raise _wrong(str(error)) from None

    return convert


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {dict: "a mapping", list: "a list", type(None): "nothing"}
    return names.get(type(value), f"{value!r}")


def _auto_or(lowest: int, highest: int) -> BeforeValidator:
    """``auto`` or a number, in one sentence instead of pydantic's two."""

    def judge(value: object) -> object:
        number = isinstance(value, int) and not isinstance(value, bool)
        if value != "auto" and not (number and lowest <= cast("int", value) <= highest):
            raise _wrong(f"auto or {lowest} to {highest} is needed here, not {_kind(value)}")
        return value

    return BeforeValidator(judge)


def _optional_text(value: object) -> object:
    return None if value is None else _text(value)


def _text(value: object) -> object:
    """YAML reads 1 as a number where a text is meant; true or 1.10 would lose their spelling."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        quotes = "; put it in quotes" if isinstance(value, (bool, float)) else ""
        raise _wrong(f"a text is needed here, not {_kind(value)}{quotes}")
    return value


def _file(value: Path, info: ValidationInfo) -> Path:
    """Files are named from the folder of the scenario, whatever the working directory."""
    folder = (info.context or {}).get("folder")
    return value if folder is None else Path(folder) / value


def _phrase(field: FieldInfo) -> str:
    """A description within a sentence."""
    text = (field.description or "").removesuffix(".")
    return text[:1].lower() + text[1:]


def _listed(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else [value]


_TEXT_SCHEMA: Final = {"type": ["string", "integer"]}
Text = Annotated[str, BeforeValidator(_text), WithJsonSchema(_TEXT_SCHEMA)]
OptionalText = Annotated[
    str | None,
    BeforeValidator(_optional_text),
    WithJsonSchema({"type": ["string", "integer", "null"]}),
]
Nanoseconds = Annotated[
    int,
    BeforeValidator(_parsed(durations.duration, "a time is needed here, like 60s")),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "string",
                    "pattern": f"^(?:{durations.DURATION})$",
                    "examples": ["250ms", "60s", "5m", "1h30m"],
                },
                {"const": 0},
            ]
        }
    ),
]
Rate = Annotated[
    float,
    BeforeValidator(_parsed(durations.rate, "a rate is needed here, like 500 or 30/m")),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": f"^{durations.RATE}$", "examples": ["500/s", "30/m"]},
            ]
        }
    ),
]
Size = Annotated[
    int,
    BeforeValidator(_parsed(durations.size, "a size is needed here, like 64KiB")),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "string",
                    "pattern": f"^{durations.SIZE}$",
                    "examples": ["64KiB", "16MiB"],
                },
                {"type": "integer", "minimum": 1},
            ]
        }
    ),
]
File = Annotated[
    Path,
    BeforeValidator(_text),
    AfterValidator(_file),
    WithJsonSchema({"type": "string", "minLength": 1}),
]


def _ns(default: str, description: str, *, alias: str) -> Any:  # noqa: ANN401 - as Field
    """A time with a default: editors see ``5s``, the program nanoseconds."""
    return Field(
        default=durations.duration(default),
        alias=alias,
        description=description,
        json_schema_extra={"default": default},
    )


def _one_of(*keys: str) -> ConfigDict:
    """For editors: exactly one of these keys."""
    return ConfigDict(json_schema_extra={"oneOf": [{"required": [key]} for key in keys]})


def _request_keys() -> ConfigDict:
    """For editors: at most one body, and a path unless graphql has its own."""
    bodies = ("json", "body", "body_file", "graphql")
    pairs: list[JsonValue] = [[a, b] for n, a in enumerate(bodies) for b in bodies[n + 1 :]]
    return ConfigDict(
        json_schema_extra={
            "not": {"anyOf": [{"required": pair} for pair in pairs]},
            "anyOf": [{"required": ["path"]}, {"required": ["graphql"]}],
        }
    )


class Part(BaseModel):
    """What all parts of a scenario have in common."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        protected_namespaces=(),
    )

    names_secret: ClassVar[bool] = False

    @model_validator(mode="before")
    @classmethod
    def _keys(cls, value: object, info: ValidationInfo) -> object:
        """Unknown and missing keys before anything else: a misspelt key is often both."""
        if isinstance(value, Part):
            return value
        if not isinstance(value, dict):
            # Where a secret's origin is meant, the secret itself may stand.
            given = "this" if cls.names_secret and isinstance(value, str) else _kind(value)
            raise _wrong(f"a mapping is needed here, not {given}; write key: value")
        fields: dict[str, FieldInfo] = {
            field.alias or name: field for name, field in cls.model_fields.items()
        }
        # In a file only the file's names; in Python also those of the attributes.
        python_names = () if (info.context or {}).get("folder") else cls.model_fields
        for key in value:
            if key not in fields and key not in python_names:
                hint = _ELSEWHERE.get(key) or suggestion(_USUAL.get(str(key), str(key)), fields)
                raise _wrong(f"unknown key '{key}'; {hint}", (key,), key=True)
        for (name, needed), attribute in zip(fields.items(), cls.model_fields, strict=True):
            if needed.is_required() and name not in value and attribute not in value:
                raise _wrong(f"'{name}' is missing; add `{name}:`, {_phrase(needed)}")
        return value


class Constant(Part):
    """A constant rate."""

    rate: Rate = Field(description="Arrivals a second, held for `duration`, like 50.")
    duration_ns: Nanoseconds = Field(alias="duration", description="How long, like 30s.")


class Ramp(Part):
    """From the rate before it (0 at the start) linearly to another."""

    ramp_to: Rate = Field(
        description="Arrivals a second at the end; rises or falls linearly from the rate before."
    )
    duration_ns: Nanoseconds = Field(alias="duration", description="How long, like 1m.")


class Steps(Part):
    """Up or down in steps, each held for a time; the last step is held as long as the others."""

    step_to: Rate = Field(description="Arrivals a second of the last step.")
    by: Rate = Field(description="Arrivals a second from one step to the next, like 100.")
    every_ns: Nanoseconds = Field(
        alias="every", description="How long each step is held, like 30s."
    )


class Spike(Part):
    """Another rate for a time, then at once the rate before it again."""

    spike_to: Rate = Field(description="Arrivals a second for `duration`, then those of before.")
    duration_ns: Nanoseconds = Field(alias="duration", description="How long, like 10s.")


_STAGES: Final = {"ramp_to": "ramp", "step_to": "steps", "spike_to": "spike", "rate": "constant"}


def _stage(value: object) -> str | None:
    """Which stage is meant, so that errors speak of that one only."""
    if isinstance(value, dict):
        return next((kind for key, kind in _STAGES.items() if key in value), None)
    return _STAGES[next(iter(type(value).model_fields))] if isinstance(value, Part) else None


Stage = Annotated[
    Annotated[Constant, Tag("constant")]
    | Annotated[Ramp, Tag("ramp")]
    | Annotated[Steps, Tag("steps")]
    | Annotated[Spike, Tag("spike")],
    Discriminator(
        _stage,
        custom_error_type="scenario",
        custom_error_message="a stage has one of rate, ramp_to, step_to, spike_to; "
        "write one like rate: 50",
    ),
]


class LoadModel(Part):
    """How many arrivals, and when. An arrival is one request of an endpoint, or one whole flow."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["rate", "duration"]}, {"required": ["stages"]}]}
    )

    rate: Rate | None = Field(
        default=None, description="Arrivals a second, constant: 500, or 30/m. Needs `duration`."
    )
    duration_ns: Nanoseconds | None = Field(
        default=None, alias="duration", description="How long to measure, like 60s."
    )
    stages: tuple[Stage, ...] = Field(
        default=(),
        description="Instead of `rate` and `duration`: one stage after the other.",
    )
    warm_up_ns: Nanoseconds = _ns(
        "0s",
        "At the first stage's rate, before the measured part and in no statistic.",
        alias="warm_up",
    )
    arrivals: Literal["constant", "poisson"] = Field(
        default="constant",
        description="Evenly spaced, or at random moments (poisson) with the same number in all.",
    )
    seed: int = Field(
        default=1,
        ge=0,
        le=2**63 - 1,
        description="The same seed repeats a run: arrivals, order of endpoints, generated values.",
    )

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        if self.stages and (self.rate is not None or self.duration_ns is not None):
            key = "rate" if self.rate is not None else "duration"
            raise _wrong(f"'{key}' and 'stages' exclude each other; keep one of them", (key,))
        if not self.stages:
            if self.rate is None and self.duration_ns is None:
                raise _wrong("how much load? write rate and duration, or stages")
            if self.rate is None:
                raise _wrong("'duration' needs a 'rate'; write arrivals a second, like rate: 200")
            if self.duration_ns is None:
                raise _wrong("'rate' needs a 'duration'; write how long, like duration: 60s")
        self._judge_stages()
        return self

    def _judge_stages(self) -> None:
        highest = 0.0
        for index, stage in enumerate(self.shape):
            at: tuple[str | int, ...] = ("stages", index) if self.stages else ()
            held = stage.every_ns if isinstance(stage, Steps) else stage.duration_ns
            if held <= 0:
                key = "every" if isinstance(stage, Steps) else "duration"
                raise _wrong("a stage lasts longer than 0; write a time like 30s", (*at, key))
            if isinstance(stage, Steps) and stage.by <= 0:
                raise _wrong("'by' must be above 0: how much the rate changes a step", (*at, "by"))
            highest = max(highest, getattr(stage, next(iter(type(stage).model_fields))))
        if highest <= 0:
            at = ("stages",) if self.stages else ("rate",)
            raise _wrong("nothing would be sent: the rate must be above 0", at)

    @property
    def shape(self) -> tuple[Constant | Ramp | Steps | Spike, ...]:
        """The stages, also where ``rate`` and ``duration`` stand for a single constant one."""
        if self.rate is not None and self.duration_ns is not None:
            return (Constant.model_construct(rate=self.rate, duration_ns=self.duration_ns),)
        return self.stages


class Connections(Part):
    """The pool of connections, which are kept open between requests."""

    max: int = Field(
        default=500, ge=1, le=60_000, description="Open at once at most, over all workers."
    )
    warm: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=0, le=60_000)], _auto_or(0, 60_000)
    ] = Field(
        default="auto",
        description="Opened before the start, so that no request pays for it; auto: by the rate.",
    )
    max_wait_ns: Nanoseconds = _ns(
        "60s",
        "An arrival that found no free connection for that long is dropped, and counted.",
        alias="max_wait",
    )

    @model_validator(mode="after")
    def _warm_fits(self) -> Self:
        if self.warm != "auto" and self.warm > self.max:
            raise _wrong(f"{self.warm} to open, but max is {self.max}; raise max", ("warm",))
        return self


class Timeouts(Part):
    """How long to wait in each phase."""

    connect_ns: Nanoseconds = _ns("5s", "For the TCP connection.", alias="connect")
    tls_ns: Nanoseconds = _ns("5s", "For the TLS handshake.", alias="tls")
    response_ns: Nanoseconds = _ns(
        "30s", "From the send of a request to the last byte of its response.", alias="response"
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        for key in ("connect", "tls", "response"):
            if getattr(self, f"{key}_ns") <= 0:
                raise _wrong("a timeout must be above 0; write a time like 5s", (key,))
        return self


class Tls(Part):
    """For https targets."""

    ca: File | None = Field(
        default=None, description="PEM file of the authorities to trust instead of the system's."
    )
    cert: File | None = Field(default=None, description="PEM file of a client certificate (mTLS).")
    key: File | None = Field(
        default=None, description="PEM file of its key, where that is not in `cert`."
    )
    verify: bool = Field(default=True, description="false: take any certificate.")
    server_name: OptionalText = Field(
        default=None, description="The name to ask for (SNI) and to expect in the certificate."
    )

    @model_validator(mode="after")
    def _key_has_cert(self) -> Self:
        if self.key is not None and self.cert is None:
            raise _wrong("'key' needs 'cert', the certificate it belongs to", ("key",))
        return self


class Limits(Part):
    """How much of a response to take; above it the request fails as `response too large`."""

    headers_bytes: Size = Field(
        default=64 * 1024,
        gt=0,
        alias="headers",
        description="Status line and headers.",
        json_schema_extra={"default": "64KiB"},
    )
    body_bytes: Size = Field(
        default=16 * 1024 * 1024,
        gt=0,
        alias="body",
        description="Body.",
        json_schema_extra={"default": "16MiB"},
    )


class Generator(Part):
    """The load generator itself."""

    workers: Annotated[Literal["auto"] | Annotated[int, Field(ge=1, le=256)], _auto_or(1, 256)] = (
        Field(
            default="auto",
            description="Processes; auto: as many as the rate and the cores ask for.",
        )
    )
    precise: bool = Field(
        default=False, description="Spin before each send: steadier, at the price of busy cores."
    )
    max_pacing_error_ns: Nanoseconds = _ns(
        "10ms",
        "The run is invalid if requests leave later than this (99th percentile).",
        alias="max_pacing_error",
    )


class Bearer(Part):
    """Where a bearer token comes from: one of `env` and `command`."""

    model_config = _one_of("env", "command")
    names_secret = True

    env: OptionalText = Field(default=None, description="The variable that holds the token.")
    command: OptionalText = Field(
        default=None,
        description="A command whose first line of output is the token. Run in the working "
        "directory, without a shell.",
    )
    refresh_ns: Nanoseconds | None = Field(
        default=None, alias="refresh", description="Run `command` again after so long, like 10m."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.env is None) == (self.command is None):
            raise _wrong("a bearer token comes from one of 'env' and 'command'")
        if self.command is not None and not self.command.strip():
            raise _wrong("the command is empty; write one that prints a token", ("command",))
        if self.refresh_ns is not None:
            if self.command is None:
                raise _wrong("only a 'command' can be run again; leave it out", ("refresh",))
            if self.refresh_ns < SECOND:
                raise _wrong("at most once a second; write a time like 10m", ("refresh",))
        return self


class ApiKey(Part):
    """A key from the environment, sent in a header or in the query."""

    model_config = _one_of("header", "query")
    names_secret = True

    header: OptionalText = Field(default=None, description="The header it is sent in.")
    query: OptionalText = Field(default=None, description="The query parameter it is sent in.")
    env: Text = Field(description="The variable that holds the key, like API_KEY.")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.header is None) == (self.query is None):
            raise _wrong("an API key is sent in one of 'header' and 'query'")
        return self


class Auth(Part):
    """How requests prove who sends them. Secrets are never in the file, in results or in errors."""

    model_config = _one_of("bearer", "api_key")
    names_secret = True

    bearer: Bearer | None = Field(
        default=None, description="Authorization: Bearer, from a variable or a command."
    )
    api_key: ApiKey | None = Field(default=None, description="A key in a header or the query.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.bearer is None) == (self.api_key is None):
            raise _wrong("authentication is one of 'bearer' and 'api_key'")
        return self


class Capture(Part):
    """Where in a response a value is: one of `json`, `header` and `regex`."""

    model_config = _one_of("json", "header", "regex")

    json_path: OptionalText = Field(
        default=None, alias="json", description="JMESPath in a JSON body: id, items[0].id."
    )
    header: OptionalText = Field(default=None, description="The name of a response header.")
    regex: OptionalText = Field(
        default=None,
        description="A regular expression on the body; its first group, or all of it.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(v is not None for v in (self.json_path, self.header, self.regex)) != 1:
            raise _wrong("a capture has one of 'json', 'header', 'regex'")
        return self


_CLASS: Final = re.compile(r"[1-5]xx")


def _statuses(value: object) -> object:
    """``200``, ``[200, 404]``, ``2xx`` in any mixture -> the statuses."""
    found: set[int] = set()
    for index, item in enumerate(_as_list(value)):
        at = (index,) if isinstance(value, (list, tuple)) else ()
        if isinstance(item, int) and not isinstance(item, bool) and 200 <= item <= 599:
            found.add(item)
        elif isinstance(item, str) and _CLASS.fullmatch(item) and item[0] != "1":
            found.update(range(int(item[0]) * 100, int(item[0]) * 100 + 100))
        else:
            raise _wrong(f"{_kind(item)} is no final status; write 200 to 599, or 2xx", at)
    if not found:
        raise _wrong("no status is expected; write at least one, like 200")
    return frozenset(found)


def _as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple, frozenset)) else [value]


_STATUS: Final = {
    "anyOf": [
        {"type": "integer", "minimum": 200, "maximum": 599},
        {"type": "string", "pattern": "^[2-5]xx$"},
    ]
}
Statuses = Annotated[
    frozenset[int],
    BeforeValidator(_statuses),
    WithJsonSchema(
        {"anyOf": [*_STATUS["anyOf"], {"type": "array", "minItems": 1, "items": _STATUS}]}
    ),
]


class Expect(Part):
    """What makes a response good; anything else is a failure, counted by its cause."""

    status: Statuses = Field(
        default=frozenset(range(200, 400)),
        description="The good statuses: 200, [200, 404], 2xx. Redirects are never followed.",
        json_schema_extra={"default": ["2xx", "3xx"]},
    )
    headers: dict[Text, Text] = Field(
        default_factory=dict,
        description="Headers that must be there with this value; parameters (; charset=…) count "
        "only where they are written here. '*' is any value.",
    )
    json_values: dict[Text, Any] = Field(
        default_factory=dict,
        alias="json",
        description="JMESPath -> the value it must have: `length(items)`: 20.",
    )
    body_contains: OptionalText = Field(default=None, description="A text the body must contain.")


class Judged(Part):
    """A threshold with more than its expression."""

    threshold: Text = Field(description="k6's grammar: p(95)<200, rate<0.01, count==0.")
    abort_on_fail: bool = Field(default=False, description="End the run as soon as it fails.")
    delay_ns: Nanoseconds | None = Field(
        default=None, alias="delay", description="With abort_on_fail: not before so long."
    )
    window_ns: Nanoseconds | None = Field(
        default=None, alias="window", description="Must hold in every stretch of this length."
    )

    @model_validator(mode="after")
    def _delay_has_abort(self) -> Self:
        if self.delay_ns is not None and not self.abort_on_fail:
            raise _wrong("'delay' belongs to abort_on_fail: true; add it", ("delay",))
        if self.window_ns is not None and self.window_ns < SECOND:
            raise _wrong("a window is at least 1s: that is how often is counted", ("window",))
        return self


_AS_IN_K6: Final = {"abortOnFail": "abort_on_fail", "delayAbortEval": "delay"}


def _judged(value: object) -> object:
    """A text alone is a threshold with nothing more; one copied from k6 has k6's keys."""
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return {"threshold": str(value)}
    if isinstance(value, dict):
        return {_AS_IN_K6.get(key, key): each for key, each in value.items()}
    return value


_EXPRESSION: Final = {"type": "string", "examples": ["p(95)<200", "rate<0.01", "count==0"]}


def _thresholds_schema(schema: dict[str, Any]) -> None:
    item = {"anyOf": [_EXPRESSION, schema.pop("items")]}
    schema.pop("type", None)
    schema["anyOf"] = [_EXPRESSION, {"type": "array", "items": item}]


ThresholdList = Annotated[
    tuple[Annotated[Judged, BeforeValidator(_judged)], ...],
    BeforeValidator(_listed),
    Field(json_schema_extra=_thresholds_schema),
]
Thresholds = dict[Text, ThresholdList]
"""Metric as written -> what must hold of it."""


class GraphQL(Part):
    """A GraphQL operation, sent as POST. `errors` in its response are a failure."""

    model_config = _one_of("query", "query_file")

    query: OptionalText = Field(default=None, description="The document.")
    query_file: File | None = Field(default=None, description="A file with the document.")
    variables: dict[str, Any] = Field(
        default_factory=dict, description="Variables of the operation; ${…} as in json."
    )
    operation: OptionalText = Field(
        default=None, description="Which one, where the document has several."
    )

    @model_validator(mode="after")
    def _one_document(self) -> Self:
        if (self.query is None) == (self.query_file is None):
            raise _wrong("the document is in one of 'query' and 'query_file'")
        return self


class Request(Part):
    """One request, and how its response is judged."""

    model_config = _request_keys()

    name: OptionalText = Field(
        default=None,
        min_length=1,
        description="What it is called in results; default: method and path, or the operation.",
    )
    method: OptionalText = Field(
        default=None, description="Default: GET, or POST where there is a body or graphql."
    )
    path: OptionalText = Field(
        default=None,
        description="Below the target, with its query: /v1/orders?limit=20. Values of ${…} are "
        "percent-encoded.",
    )
    headers: dict[Text, OptionalText] = Field(
        default_factory=dict,
        description="Headers of this request, before those of the scenario; null leaves one out.",
    )
    json_body: Any = Field(
        default=None,
        alias="json",
        description="A JSON body; sets Content-Type. A string that is just one ${…} becomes the "
        "value itself.",
    )
    body: OptionalText = Field(default=None, description="A body as text.")
    body_file: File | None = Field(
        default=None, description="A file that is sent as it is, with no ${…} in it."
    )
    graphql: GraphQL | None = Field(default=None, description="A GraphQL operation.")
    timeout_ns: Nanoseconds | None = Field(
        default=None, alias="timeout", description="Instead of timeouts.response."
    )
    expect: Expect = Field(default_factory=Expect, description="What makes a response good.")
    thresholds: Thresholds = Field(
        default_factory=dict, description="What must hold for this request alone."
    )

    @property
    def has_json(self) -> bool:
        """Whether there is a JSON body; it may be ``null``."""
        return "json_body" in self.model_fields_set

    @property
    def has_body(self) -> bool:
        """Whether anything is sent beside the headers."""
        others = (self.body, self.body_file, self.graphql)
        return self.has_json or any(each is not None for each in others)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        bodies = [key for key in ("body", "body_file", "graphql") if getattr(self, key) is not None]
        if self.has_json:
            bodies.insert(0, "json")
        if len(bodies) > 1:
            raise _wrong(
                f"'{bodies[0]}' and '{bodies[1]}' exclude each other; keep one", (bodies[1],)
            )
        if self.graphql is not None and self.method not in (None, "POST"):
            raise _wrong("a graphql operation is sent as POST; leave method out", ("method",))
        if self.path is None and self.graphql is None:
            raise _wrong("a request has a path; write one like path: /v1/orders")
        if self.timeout_ns is not None and self.timeout_ns <= 0:
            raise _wrong("a timeout must be above 0; write a time like 5s", ("timeout",))
        return self


class Endpoint(Request):
    """A request that is one arrival by itself."""

    weight: float = Field(
        default=1, gt=0, description="How often, relative to the other endpoints and flows."
    )


class FlowStep(Request):
    """A request of a flow."""

    capture: dict[Text, Capture] = Field(
        default_factory=dict,
        description="Name -> where in the response; later steps use it as ${name}.",
    )
    pause_ns: Nanoseconds = _ns("0s", "Wait so long before this step.", alias="pause")


class Flow(Part):
    """Requests one after the other: one arrival. It ends where a step fails."""

    name: Text = Field(min_length=1, description="What it is called, like buy.")
    weight: float = Field(
        default=1, gt=0, description="How often, relative to the other endpoints and flows."
    )
    steps: tuple[FlowStep, ...] = Field(
        min_length=1,
        description="The requests, in order, like [{path: /a}]; all have the same data rows.",
    )

    @model_validator(mode="after")
    def _first_does_not_wait(self) -> Self:
        if self.steps[0].pause_ns:
            raise _wrong("nothing comes before the first step; leave pause out", ("steps", 0))
        return self


_SOURCES: Final = ("csv", "jsonl", "generate", "requests")


class Feeder(Part):
    """Rows of data: one of `csv`, `jsonl`, `generate`, `requests`. Columns are ${name.column}."""

    model_config = _one_of("csv", "jsonl", "generate", "requests")

    csv: File | None = Field(default=None, description="A CSV file with a header row, in UTF-8.")
    jsonl: File | None = Field(default=None, description="A file with one JSON object a line.")
    generate: dict[Text, Any] | None = Field(
        default=None,
        description='Column -> value, made for each arrival: {age: "${int(18, 90)}"}.',
    )
    requests: tuple[FlowStep, ...] | None = Field(
        default=None,
        description="Requests that make a row before the run; what they capture is the columns.",
    )
    count: int | None = Field(
        default=None, ge=1, le=1_000_000, description="How many rows `requests` make."
    )
    pick: Literal["sequential", "random"] = Field(
        default="sequential",
        description="Row k mod n for arrival k, or a random row (by the seed).",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [key for key in _SOURCES if getattr(self, key) is not None]
        if not given:
            raise _wrong("data come from one of csv, jsonl, generate, requests")
        if len(given) > 1:
            raise _wrong(f"'{given[0]}' and '{given[1]}' exclude each other; keep one", (given[1],))
        if (self.count is None) == (self.requests is not None):
            if self.requests is not None:
                raise _wrong("how many rows? write count, like count: 200", ("requests",))
            raise _wrong("'count' belongs to requests; leave it out", ("count",))
        if self.requests is not None:
            if not any(step.capture for step in self.requests):
                raise _wrong("these requests make no columns; add a capture", ("requests",))
            if self.requests[0].pause_ns:
                raise _wrong("nothing comes before the first; leave pause out", ("requests", 0))
        if self.generate is not None and "pick" in self.model_fields_set:
            raise _wrong("generated rows are not picked; leave it out", ("pick",))
        return self


class Scenario(Part):
    """A load test for `senior-backend load run`."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["endpoints"]}, {"required": ["flows"]}]}
    )

    name: Text = Field(
        default="scenario", min_length=1, description="Named in results; default: the file's name."
    )
    target: OptionalText = Field(
        default=None,
        description="Where to: http://127.0.0.1:8000. Only a loopback address may stand here; any "
        "other host must be named with --target.",
    )
    load: LoadModel = Field(
        description="How many arrivals, and when, like {rate: 200, duration: 60s}."
    )
    connections: Connections = Field(
        default_factory=Connections, description="The pool of connections."
    )
    timeouts: Timeouts = Field(default_factory=Timeouts, description="For each phase.")
    tls: Tls = Field(default_factory=Tls, description="For https targets.")
    proxy: OptionalText = Field(
        default=None,
        description="http://host:port of a proxy. Never taken from the environment.",
    )
    limits: Limits = Field(default_factory=Limits, description="How much of a response to take.")
    generator: Generator = Field(
        default_factory=Generator, description="The load generator itself."
    )
    headers: dict[Text, OptionalText] = Field(
        default_factory=dict, description="Headers of all requests; those of a request win."
    )
    auth: Auth | None = Field(default=None, description="How requests prove who sends them.")
    data: dict[Text, Feeder] = Field(
        default_factory=dict, description="Rows to fill requests with: ${name.column}."
    )
    endpoints: tuple[Endpoint, ...] = Field(
        default=(), description="Requests, each one arrival; chosen by weight."
    )
    flows: tuple[Flow, ...] = Field(
        default=(), description="Requests that follow each other; chosen by weight."
    )
    thresholds: Thresholds = Field(
        default_factory=dict,
        description="Metric, or metric{name:endpoint} -> what must hold: "
        "http_req_duration: [p(95)<200].",
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.endpoints and not self.flows:
            raise _wrong("there is nothing to request; write endpoints or flows")
        return self


class _ForEditors(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: object) -> bool:
        """No: titles made of names say nothing that the names do not."""
        return False


def schema() -> dict[str, Any]:
    """The published JSON schema of a scenario file (``schemas/load-scenario.json``)."""
    whole = Scenario.model_json_schema(schema_generator=_ForEditors)
    judged = whole["$defs"][Judged.__name__]["properties"]
    judged.update({theirs: judged[ours] for theirs, ours in _AS_IN_K6.items()})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "title": "Load test scenario of senior-backend, version 1",
        "patternProperties": {"^x-": {"description": "Not read: a place for YAML anchors."}},
    }

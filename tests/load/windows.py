"""Windows as workers send them, for tests of what is done with them."""

from senior_backend.load.histogram import bucket
from senior_backend.load.recording import EndpointCounts, Window
from senior_backend.load.totals import SECOND

MS = 1_000_000


def counted(values):
    """A histogram on its way."""
    counts = {}
    for value in values:
        counts[bucket(value)] = counts.get(bucket(value), 0) + 1
    return counts


def window(
    index,
    endpoints=None,
    *,
    failures=None,
    pacing=(),
    slept=0.5,
    length_ns=SECOND,
    **numbers,
):
    """One second of one worker: endpoint -> response times; (endpoint, cause) -> those of failures.

    Service time is half the response time. Every request is one arrival unless ``numbers`` differ.
    """
    made = Window(index, slept_ns=int(slept * length_ns), length_ns=length_ns)
    for endpoint, values in (endpoints or {}).items():
        counts = made.endpoints.setdefault(endpoint, EndpointCounts())
        counts.response.update(counted(values))
        counts.service.update(counted([value // 2 for value in values]))
        counts.statuses[200] += len(values)
        counts.bytes_received += 100 * len(values)
    for (endpoint, cause), values in (failures or {}).items():
        counts = made.endpoints.setdefault(endpoint, EndpointCounts())
        counts.failures[cause] = counted(values)
    ended = sum(len(values) for part in (endpoints, failures) for values in (part or {}).values())
    made.due = made.started = made.sent = ended
    made.pacing.update(counted(pacing))
    for name, value in numbers.items():
        setattr(made, name, value)
    return made

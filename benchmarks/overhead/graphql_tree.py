"""The GraphQL service and its peers."""

from functools import partial
from pathlib import Path

from benchmarks.overhead.api import GRAPHQL as API
from benchmarks.overhead.node_service import compared, prepare
from benchmarks.overhead.tree import POOL, Tree

BARE = "bare graphql-yoga"
STARTER = "Apollo Server, Prisma"
HOW = (
    "Every server: one process, the same operations with the same variables, NODE_ENV=production. "
    "Service and bare server: graphql-yoga, the same statements through Prisma on the same pool of "
    f"{POOL} connections (pg), writes in a transaction. The service does all it does in production "
    "but for persisted operations, its access log into a file included; the bare one checks no "
    "token and no limit, logs nothing, has no Idempotency-Key. The last one is Apollo Server 5 as "
    "its documentation starts it, with a resolver for each relation and Prisma's own calls."
)

_PEERS = Path(__file__).parent.parent / "bare" / "graphql"

GRAPHQL = Tree(
    bare=BARE,
    rival=STARTER,
    how=HOW,
    goal=1.4,
    prepare=partial(prepare, "graphql", _PEERS),
    peers=partial(compared, bare=BARE, starter=STARTER, tuned=False),
    api=API,
    tuned=False,
)

"""The Express service and its peers.

Its layers are not measured one by one: its modules are sealed once they are loaded, so a layer can
only be left out by a service that is written otherwise.
"""

from functools import partial
from pathlib import Path

from benchmarks.overhead.node_service import compared, prepare
from benchmarks.overhead.tree import POOL, Tree

BARE = "bare Express handler"
STARTER = "express-typescript, Prisma"
HOW = (
    "Every server: one process, the same requests, NODE_ENV=production. Service and bare handler: "
    f"the same statements through Prisma on the same pool of {POOL} connections (pg), writes in a "
    "transaction. The service does all it does in production, its access log into a file "
    "included; the bare handlers check no token, log nothing. The second one leaves out what the "
    "service leaves out of Express and what is no layer: ETags hashed from bodies, X-Powered-By, "
    "the parser of queries, `response.json`. The last one is the request path of the starter "
    "edwinhern/express-typescript 1.0.14 at its versions (body parsers, CORS, Helmet, "
    "express-rate-limit, pino-http into a file, zod; no token, no timeout, no metrics, no "
    "Idempotency-Key) with Prisma's own calls (`include`)."
)

_PEERS = Path(__file__).parent.parent / "bare" / "express"

EXPRESS = Tree(
    bare=BARE,
    rival=STARTER,
    how=HOW,
    goal=1.4,
    prepare=partial(prepare, "express", _PEERS),
    peers=partial(compared, bare=BARE, starter=STARTER, tuned=True),
)

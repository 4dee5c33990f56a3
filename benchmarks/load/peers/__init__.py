"""The tools that are measured: one module each, all with the same shape (``peer.Peer``)."""

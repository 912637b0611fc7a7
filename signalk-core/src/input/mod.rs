//! Bytes to deltas, as pure functions. Who opens the connection is the edge; who stores the deltas is the core.

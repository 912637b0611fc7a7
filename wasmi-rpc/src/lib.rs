//! JSON-RPC 2.0 between a plugin and its host, as a state machine without I/O.

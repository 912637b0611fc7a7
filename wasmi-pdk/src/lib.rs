//! Plugin development kit: what the author of a plugin imports.

//! A plugin natively, against a host of a few lines.

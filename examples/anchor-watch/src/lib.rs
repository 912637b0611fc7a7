//! Anchor watch example.

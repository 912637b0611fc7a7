//! `Sim`: core, fake world and a jumping clock. Tests of whole runs live in `tests/`.

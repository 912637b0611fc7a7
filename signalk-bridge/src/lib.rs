//! Plugin calls to Signal K and back: manifest, capabilities, methods, ABIs.

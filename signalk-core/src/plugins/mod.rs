//! Who is loaded, started and configured. What a plugin may do lives in `signalk-bridge`.

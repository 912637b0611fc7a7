//! The demo boat: a deterministic simulator that writes NMEA 0183 sentences. It moves no data itself.

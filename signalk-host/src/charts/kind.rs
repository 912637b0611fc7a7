//! What a tile is, by its first bytes: charts often say something else of their tiles.

/// For the header; `format` is what the chart says.
pub(super) fn content_type(bytes: &[u8], gzip: bool, format: &str) -> &'static str {
    if gzip {
        return VECTOR;
    }
    match sniffed(bytes) {
        Some("png") => "image/png",
        Some("jpg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("gif") => "image/gif",
        Some("avif") => "image/avif",
        _ if format == "pbf" => VECTOR,
        _ => "application/octet-stream",
    }
}

/// The name of the format, when the bytes show it. Compressed bytes are a vector tile.
pub(super) fn sniffed(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("png"),
        [0xff, 0xd8, 0xff, ..] => Some("jpg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("webp"),
        [b'G', b'I', b'F', b'8', ..] => Some("gif"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f', ..] => Some("avif"),
        bytes if is_gzip(bytes) => Some("pbf"),
        _ => None,
    }
}

/// Whether the bytes begin as gzip does.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

const VECTOR: &str = "application/x-protobuf";

//! Answers `ping` with "pong": the smallest plugin there is.

wasmi_pdk::plugin!(wasmi_pdk::Router::new().method("ping", |_, ()| async { Ok("pong") }));

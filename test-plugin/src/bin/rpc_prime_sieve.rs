//! Answers `prime_sieve [limit]` after computing for a while.

wasmi_pdk::plugin!(test_plugin::prime_sieve(wasmi_pdk::Router::new()));

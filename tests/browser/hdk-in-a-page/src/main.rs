//! The plugin kit's [`Client`](wasmi_hdk::Client) on the event loop of a browser's page, where nothing
//! may block. `../hdk.test.mjs` loads it in Chromium; `cargo xtask browser` builds both.
//!
//! The page gives the guests as `guests.NAME` and takes results with `report(name, error)`, at last
//! `report(null)`. There is no `#[wasm_bindgen]` here: what that writes is `unsafe`, which this
//! workspace forbids, and `main` is exported without it.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod cases;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod page;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
fn main() {
    std::panic::set_hook(Box::new(|panic| page::report(Some("panic"), Some(&panic.to_string()))));
    wasm_bindgen_futures::spawn_local(async {
        for (name, case) in cases::ALL {
            page::report(Some(name), case().await.err().as_deref());
        }
        page::report(None, None);
    });
}

#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
fn main() {
    println!("for a browser: build it for wasm32-unknown-unknown");
}

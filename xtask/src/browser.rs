//! What only a real browser shows: the web page of the server, and the plugin kit on a page's event
//! loop. Debian's Chromium through `playwright-core`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::{guests, process, toolchain};

/// Options of `cargo xtask browser`.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Where the screenshots go.
    #[arg(long)]
    screenshots: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let browser = chromium()?;
    guests::build()?;
    process::run(&mut process::cargo(&["build", "-p", "signalk-host"]))?;
    let page = hdk_in_a_page()?;
    let tests = process::root().join("tests/browser");
    toolchain::node_modules(&tests)?;
    let shots = match &options.screenshots {
        Some(dir) => process::root().join(dir),
        None => process::target_dir().join("screenshots"),
    };
    std::fs::create_dir_all(&shots)?;
    process::run(
        Command::new("node")
            .current_dir(&tests)
            .args(["--test", "--test-reporter=spec"])
            .env("CHROMIUM", browser)
            .env("SCREENSHOTS", shots)
            .env("HDK_IN_A_PAGE", page)
            .env("SIGNALK_HOST", process::target_dir().join("debug/signalk-host"))
            .env("PLUGINS", process::target_dir().join("plugins"))
            .env("GUESTS", process::target_dir().join("guests")),
    )
}

/// The folder with the module and the script that a page loads.
fn hdk_in_a_page() -> Result<PathBuf> {
    const CRATE: &str = "hdk-in-a-page";
    let module = toolchain::build_bare(CRATE)?;
    let page = process::target_dir().join(CRATE);
    let mut glue = process::cargo(&["run", "-q", "-p", "wasm-glue", "--"]);
    process::run(glue.arg(module).arg(&page))?;
    Ok(page)
}

/// The browser on this machine; on Debian it is installed when there is none.
fn chromium() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return Ok(path.into());
    }
    for name in ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"] {
        let path = PathBuf::from(name);
        if path.is_file() {
            return Ok(path);
        }
    }
    if !process::has_program("apt-get") {
        bail!("no Chromium found: install it, or name it in the environment variable CHROMIUM");
    }
    process::run(Command::new("apt-get").args(["update", "-q"]))?;
    process::run(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args([
        "install",
        "-y",
        "-q",
        "--no-install-recommends",
        "chromium",
    ]))?;
    Ok(PathBuf::from("/usr/bin/chromium"))
}

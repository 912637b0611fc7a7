//! The tasks of a plugin's network, watched: one that panics is told to the plugin like any other end, because a guest
//! may rest until it hears of it, and its place among so many is taken until then.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use signalk_bridge::Report;

use super::Way;
use crate::pool::words_of;

/// Does the work; should it panic, this is reported instead of what it would have said. One that is aborted says
/// nothing.
pub(super) async fn watched(
    work: impl Future<Output = ()> + Send + 'static,
    way: Way,
    lost: impl FnOnce(String) -> Report + Send + 'static,
) {
    if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
        let words = words_of(panic.as_ref());
        tracing::error!(plugin = %way.plugin, "its network panicked inside the host: please report this: {words}");
        way.report(lost(format!("the host failed over it: {words}"))).await;
    }
}

#[cfg(test)]
mod tests {
    use signalk_bridge::SocketId;
    use signalk_core::Input;

    use super::*;
    use crate::{driver::ToCore, inbox};

    #[tokio::test]
    async fn a_task_that_panics_is_told_to_its_plugin() {
        let (sender, inbox) = inbox::channel(8);
        let way = Way { sender, plugin: signalk_bridge::PluginId::from_package("p"), life: 1 };
        let lost = |text| Report::Lost { socket: SocketId(7), text };
        watched(async {}, way.clone(), lost).await;
        #[allow(clippy::panic, reason = "what the test is about")]
        let falls = async { panic!("planned {}", 1) };
        watched(falls, way, lost).await;
        let mut batch = Vec::new();
        inbox.take(&mut batch, std::time::Instant::now(), None).await;
        let [ToCore::Input(Input::PluginReport { life: 1, report, .. })] = &batch[..] else {
            panic!("{} messages", batch.len())
        };
        let text = "the host failed over it: planned 1".to_owned();
        assert_eq!(report, &Report::Lost { socket: SocketId(7), text });
    }
}

//! Passwords are checked beside the core, on the blocking pool: each takes some tenths of a second of computing, on
//! purpose. How many may wait is the core's; how many run at once is said here, so that logins leave room for the
//! boat's data.

use std::{sync::Arc, thread};

use signalk_core::{Input, PasswordCheck, Report, Ticket};
use tokio::{runtime::Handle, sync::Semaphore};

use crate::driver::{CoreSender, ToCore};

/// Works for the core's task and never makes it wait.
pub(crate) struct Passwords {
    runtime: Handle,
    sender: CoreSender,
    turns: Arc<Semaphore>,
}

impl Passwords {
    /// At once as many as half of the machine's cores.
    pub(crate) fn new(runtime: Handle, sender: CoreSender) -> Passwords {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Passwords { runtime, sender, turns: Arc::new(Semaphore::new((cores / 2).max(1))) }
    }

    /// Reports [`Report::PasswordChecked`].
    pub(crate) fn begin(&self, ticket: Ticket, check: PasswordCheck) {
        let (sender, turns) = (self.sender.clone(), Arc::clone(&self.turns));
        self.runtime.spawn(async move {
            let Ok(_turn) = turns.acquire().await else { return };
            let checked = tokio::task::spawn_blocking(|| check.execute()).await;
            // One that fell is no right one.
            let report = Report::PasswordChecked { ticket, is_right: checked.unwrap_or(false) };
            // Fails only after the core has stopped.
            let _ = sender.send(ToCore::Input(Input::Report(report))).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use signalk_core::{Config, ConfigTexts, Core, Effect, HttpId, HttpRequest, Output, Platform};

    use super::*;
    use crate::{inbox, platform::NativePlatform};

    #[tokio::test]
    async fn a_password_is_checked_and_told() {
        let texts = ConfigTexts { security: Some("{}".into()), ..ConfigTexts::default() };
        let platform = NativePlatform::new();
        let mut core = Core::new(Config::from_texts(texts), Arc::new(platform));
        let mut request = HttpRequest::get("/login");
        request.method = "POST".into();
        request.body = r#"{"username":"a","password":"b"}"#.into();
        core.handle_input(platform.monotonic(), Input::Http { id: HttpId(1), request });
        let (sender, inbox) = inbox::channel(1);
        let passwords = Passwords::new(Handle::current(), sender);
        let mut asked = 0;
        loop {
            match core.poll_output(platform.monotonic()) {
                Output::Effect(Effect::CheckPassword { ticket, check }) => {
                    passwords.begin(ticket, check);
                    asked += 1;
                }
                Output::Wait { .. } => break,
                _ => {}
            }
        }
        assert_eq!(asked, 1);
        let mut batch = Vec::new();
        inbox.take(&mut batch, Instant::now(), None).await;
        let [ToCore::Input(Input::Report(Report::PasswordChecked { is_right, .. }))] = &batch[..]
        else {
            panic!("{batch:?}")
        };
        assert!(!is_right);
    }
}

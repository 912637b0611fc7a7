//! A socket whose names nobody answers for: what it still does, and what may wait.

use std::collections::BTreeMap;

use signalk_core::Input;
use tokio::task::JoinSet;

use super::*;
use crate::{
    driver::{CoreSender, ToCore},
    inbox::{self, Inbox},
};

/// The resolver of a boat at sea.
fn at_sea(_host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
    std::future::pending().boxed()
}

/// A socket whose names nobody answers for: the way to its task, which is aborted by dropping the set, and its port.
async fn at_sea_socket(
    sender: &CoreSender,
    id: SocketId,
    bytes: &backlog::PluginRoom,
    tasks: &mut JoinSet<()>,
) -> (Talk, u16) {
    let plugin = signalk_bridge::PluginId::from_package("p");
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (port, refused) = (socket.local_addr().unwrap().port(), Arc::default());
    let open = Open {
        way: Way { sender: sender.clone(), plugin, life: 1 },
        id,
        ipv6: false,
        socket,
        reach: Reach::new(Arc::new(signalk_bridge::Egress::open()), Resolver::default()),
        refused: Arc::clone(&refused),
        names: Names::new(at_sea),
    };
    let (commands, to_do) = mpsc::unbounded_channel();
    tasks.spawn(open.run(to_do));
    (Talk { commands, room: Room::new(bytes.clone()), refused }, port)
}

/// The next reports.
async fn reports(inbox: &Inbox<ToCore>) -> Vec<Report> {
    let mut batch = Vec::new();
    let news = inbox.take(&mut batch, std::time::Instant::now(), None);
    timeout(GOODBYE, news).await.expect("a report");
    let report = |message| match message {
        ToCore::Input(Input::PluginReport { report, .. })
        | ToCore::Plugin { input: Input::PluginReport { report, .. }, .. } => Some(report),
        _ => None,
    };
    batch.into_iter().filter_map(report).collect()
}

#[tokio::test(start_paused = true)]
async fn a_name_that_nobody_answers_for_does_not_keep_the_socket_from_receiving() {
    let (sender, inbox) = inbox::channel(8);
    let mut tasks = JoinSet::new();
    let bytes = backlog::PluginRoom::default();
    let (talk, port) = at_sea_socket(&sender, SocketId(1), &bytes, &mut tasks).await;
    talk.send("beacon.example".to_owned(), port, Bytes::from_static(b"lost"));
    talk.send("127.0.0.1".to_owned(), port, Bytes::from_static(b"to myself"));
    let reports = reports(&inbox).await;
    let [Report::Datagrams { datagrams, .. }] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!(&datagrams[0].data[..], b"to myself");
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_name_is_bounded_for_all_sockets_and_what_is_not_sent_is_said() {
    let (sender, inbox) = inbox::channel(8);
    let mut tasks = JoinSet::new();
    let bytes = backlog::PluginRoom::default();
    let large = Bytes::from(vec![7; 60_000]);
    let mut talks = Vec::new();
    for id in 1..=2 {
        let (talk, port) = at_sea_socket(&sender, SocketId(id), &bytes, &mut tasks).await;
        for _ in 0..1000 {
            talk.send("beacon.example".to_owned(), port, large.clone());
        }
        talks.push(talk);
    }
    let mut said = BTreeMap::new();
    while said.len() < 2 {
        for report in reports(&inbox).await {
            let Report::SocketTrouble { socket, unsent, text } = report else {
                panic!("{report:?}")
            };
            let (count, rest) = text.split_once(' ').unwrap();
            assert!(rest.contains("16 MiB of the plugin"), "{text}");
            assert_eq!(count, unsent.to_string());
            said.insert(socket, count.parse::<usize>().unwrap());
        }
    }
    let waiting = 2000 - said.values().sum::<usize>();
    assert!(waiting > 200 && waiting * large.len() <= 16 << 20, "{waiting} wait");
    assert_eq!(said[&SocketId(2)], 1000, "the other socket has filled the plugin's room");
    // What was given up makes room.
    tasks.shutdown().await;
    drop(talks);
    assert!(Room::new(bytes).take("", &large).is_some());
}

//! A stream of NMEA 0183 as real wires carry it: in any pieces, cut short, with noise, from several talkers.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use proptest::prelude::*;
use signalk_core::input::nmea0183::Parser;
use support::parse;

const NOW_MS: i64 = 1_767_323_045_000;

const STREAM: &[u8] = b"\\s:airmar,c:1438489697*13\\$SDDBT,17.0,f,5.1,M,2.8,F*3E\r\n\
    \x00\xfe noise $IIHDT,,T*0D\r\n\
    $GPRMC,225446,A,4916.45,N,12311.12,W,000.5,054.7,191194,020.3,E*68\n\
    $IIVHW,,T,,M,06.1$IIVHW,,T,,M,06.11,N,11.31,K*51\r\n\
    !AIVDM,2,1,1,A,53aEOK02:N2T48<C781@E=B1<PU0000000000016<PD895C78Bj1C4jC,0*3D\r\n\
    $XXABC,1,2*43\r\n\
    !AIVDM,2,2,1,A,Rj@000000000000,2*6D\r\n\
    $GPGSV,2,1,05,22,42,067,42,24,14,311,43,27,05,244,00,01,02,03,04*4F\r\n\
    $GPGSV,2,2,05,22,42,067,42*4D\r\n\
    $IIMWV,338,R,13.41,N,A\r\n\
    $IIVPW,4.71,N,,*03";

#[test]
fn any_split_of_the_stream_gives_the_same_deltas() {
    let whole = parse([STREAM], NOW_MS);
    assert_eq!(whole.0.len(), 7);
    assert_eq!((whole.1.sentences, whole.1.bad_checksum, whole.1.truncated), (10, 1, 1));
    assert_eq!(whole.1.garbage_bytes, 7);
    assert_eq!(whole.1.unsupported["ABC"], 1);
    for at in 0..=STREAM.len() {
        let (a, b) = STREAM.split_at(at);
        assert_eq!(parse([a, b], NOW_MS), whole, "split at {at}");
    }
    for step in 1..40 {
        assert_eq!(parse(STREAM.chunks(step), NOW_MS), whole, "pieces of {step}");
    }
}

#[test]
fn a_sentence_cut_anywhere_is_counted_and_its_neighbours_live() {
    let sentence: &[u8] = b"$GPRMC,225446,A,4916.45,N,12311.12,W,000.5,054.7,191194,020.3,E*68\r\n";
    let next: &[u8] = b"$IIVHW,,T,,M,06.11,N,11.31,K*51\r\n";
    for cut in 1..sentence.len() - 2 {
        // Once the talker has shown that it sends checksums, an end without one is a loss.
        let (deltas, counters) = parse([sentence, &sentence[..cut], next], NOW_MS);
        assert_eq!(deltas.len(), 2, "cut at {cut}");
        assert_eq!(counters.truncated + counters.bad_checksum, 1, "cut at {cut}");
        let (deltas, counters) = parse([sentence, &sentence[..cut], b"\r\n", next], NOW_MS);
        assert_eq!(deltas.len(), 2, "cut at {cut}");
        let unsupported: u64 = counters.unsupported.values().sum();
        assert_eq!(counters.truncated + counters.bad_checksum + unsupported, 1, "cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_never_changes_a_value() {
    let good: &[u8] = b"$IIVHW,,T,,M,06.11,N,11.31,K*51\r\n";
    let (expected, _) = parse([good], NOW_MS);
    for at in 0..good.len() - 2 {
        for bit in 0..8 {
            let mut damaged = good.to_vec();
            damaged[at] ^= 1 << bit;
            let (deltas, _) = parse([good, &damaged], NOW_MS);
            assert_eq!(deltas, expected, "{}", String::from_utf8_lossy(&damaged));
        }
    }
}

#[test]
fn checksums_are_optional_until_the_talker_has_sent_one() {
    let (deltas, _) = parse([&b"$IIHDT,10.0,T\n$IIHDT,11.0,T\r\n"[..]], NOW_MS);
    assert_eq!(deltas.len(), 2);
    let (deltas, counters) =
        parse([&b"$IIHDT,,T*0C\n$IIHDT,11.0,T\r\n$IIHDM,12.0,M\r\n"[..]], NOW_MS);
    assert_eq!((deltas.len(), counters.truncated), (1, 1));
}

#[test]
fn a_datagram_needs_no_line_end_and_a_broken_connection_leaves_nothing_behind() {
    let mut parser = Parser::new("test");
    let mut deltas = Vec::new();
    parser.push(b"$IIHDT,10.0,T", NOW_MS, &mut deltas);
    assert_eq!(deltas.len(), 0);
    parser.end_of_datagram(NOW_MS, &mut deltas);
    assert_eq!(deltas.len(), 1);
    parser.push(b"$IIHDT,10", NOW_MS, &mut deltas);
    parser.disconnected();
    parser.push(b"1.0,T\r\n$IIHDT,11.0,T\r\n", NOW_MS, &mut deltas);
    assert_eq!((deltas.len(), parser.counters().truncated), (2, 1));
}

#[test]
fn a_tag_block_belongs_to_the_sentence_that_follows_at_once() {
    let (deltas, _) =
        parse([&b"\\s:airmar,c:1438489697*13\\$IIHDM,1,M*3D\r\n$IIHDM,2,M*3E\r\n"[..]], NOW_MS);
    let update = |i: usize| deltas[i].updates[0].clone();
    assert_eq!(update(0).source_ref.as_deref(), Some("test.airmar"));
    assert_eq!(update(0).timestamp.unwrap().as_str(), "2015-08-02T04:28:17.000Z");
    assert_eq!(update(1).source_ref.as_deref(), Some("test.II"));
    assert_eq!(update(1).timestamp.unwrap().as_str(), "2026-01-02T03:04:05.000Z");
    let (deltas, _) = parse([&b"\\s:airmar*13\\\r\n$IIHDM,1,M*3D\r\n"[..]], NOW_MS);
    assert_eq!(deltas[0].updates[0].source_ref.as_deref(), Some("test.II"));
}

#[test]
fn fragments_of_two_messages_may_interleave_and_a_lost_one_costs_one_message() {
    let a1: &[u8] =
        b"!AIVDM,2,1,1,A,53aEOK02:N2T48<C781@E=B1<PU0000000000016<PD895C78Bj1C4jC,0*3D\r\n";
    let a2: &[u8] = b"!AIVDM,2,2,1,A,Rj@000000000000,2*6D\r\n";
    let b1: &[u8] =
        b"!AIVDM,2,1,3,B,55P5TL01VIaAL@7WKO@mBplU@<PDhh000000001S;AJ::4A80?4i@E53,0*3E\r\n";
    let b2: &[u8] = b"!AIVDM,2,2,3,B,1@0000000000000,2*55\r\n";
    let names = |pieces: &[&[u8]]| {
        let (deltas, counters) = parse(pieces.iter().copied(), NOW_MS);
        let names: Vec<String> = deltas
            .iter()
            .map(|d| d.to_json().split("name\":\"").nth(1).unwrap()[..4].to_owned())
            .collect();
        (names.join(" "), counters.bad_fields)
    };
    assert_eq!(names(&[a1, b1, a2, b2]), ("TEST MT.M".to_owned(), 0));
    assert_eq!(names(&[b2, a1, b1, a2]), ("MT.M TEST".to_owned(), 0));
    assert_eq!(names(&[a1, b1, b2]), ("MT.M".to_owned(), 0));
    // The first half of one message and the second half of the next are two messages.
    assert_eq!(names(&[a1, a1, a2]), ("TEST".to_owned(), 0));
}

proptest! {
    #[test]
    fn noise_never_panics_and_never_loses_the_next_sentence(
        noise in proptest::collection::vec(any::<u8>(), 0..400),
        step in 1usize..50,
    ) {
        let mut stream = noise.clone();
        stream.extend(b"\r\n$IIVHW,,T,,M,06.11,N,11.31,K*51\r\n");
        let whole = parse([&stream[..]], NOW_MS);
        prop_assert!(whole.0.last().is_some_and(|d| d.to_json().contains("speedThroughWater")));
        prop_assert_eq!(parse(stream.chunks(step), NOW_MS), whole);
    }

    #[test]
    fn sentences_of_nonsense_never_panic(
        formatter in "(APB|BOD|BWC|BWR|DBT|DPT|GGA|GLL|GNS|GSA|GSV|HDG|HSC|MDA|MTW|MWD|MWV|RMB|RMC|ROT|RPM|RSA|VDM|VDO|VDR|VHW|VLW|VPW|VTG|VWR|VWT|XTE|ZDA)",
        fields in proptest::collection::vec("([A-Z]|[0-9]{0,9}(\\.[0-9]{0,6})?|[-+.0-9a-z]{0,12}|[0-W`-w]{0,60}|\\PC{0,6})", 0..26),
    ) {
        let sentence = format!("$XX{formatter},{}\r\n", fields.join(","));
        let (deltas, counters) = parse([sentence.as_bytes()], NOW_MS);
        prop_assert!(deltas.len() <= 1 || sentence.contains(['$', '!']));
        for delta in deltas {
            serde_json::from_str::<serde_json::Value>(&delta.to_json()).unwrap();
        }
        prop_assert!(counters.sentences <= 10);
    }

    #[test]
    fn ais_payloads_of_nonsense_never_panic(payload in "[0-W`-w]{1,80}", fill in 0u8..6) {
        let sentence = format!("!AIVDM,1,1,,A,{payload},{fill}\r\n");
        let (deltas, _) = parse([sentence.as_bytes()], NOW_MS);
        for delta in deltas {
            prop_assert!(delta.context.is_some());
            for entry in delta.updates[0].values.iter().filter(|e| &*e.path == "navigation.position") {
                let (latitude, longitude) = entry.value.as_position().unwrap();
                prop_assert!(latitude.abs() <= 90.0 && longitude.abs() <= 180.0);
            }
        }
    }
}

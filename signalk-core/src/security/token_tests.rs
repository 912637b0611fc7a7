//! Tokens that are taken, and all the others.

use super::*;

fn key() -> Secret {
    Secret::from("a key")
}

fn admin(expires: Option<u64>) -> Claims {
    Claims { subject: Subject::User("admin".into()), issued: 100, expires, remember: false }
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Signed well, whatever it says.
fn signed(header: &Value, payload: &Value) -> String {
    let text = format!("{}.{}", part(header), part(payload));
    let signature = mac(&key(), &text).finalize().into_bytes();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn what_was_signed_comes_back() {
    let device =
        Claims { subject: Subject::Device("d-1".into()), remember: true, ..admin(Some(200)) };
    for claims in [admin(None), admin(Some(200)), device] {
        assert_eq!(verify(&key(), &sign(&key(), &claims), 199), Ok(claims));
    }
}

/// The example of jwt.io, which every library signs alike.
#[test]
fn the_signature_is_that_of_other_libraries() {
    let text = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ";
    let signature = mac(&Secret::from("your-256-bit-secret"), text).finalize().into_bytes();
    assert_eq!(URL_SAFE_NO_PAD.encode(signature), "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c");
}

#[test]
fn a_token_is_over_at_its_time_and_not_before() {
    let token = sign(&key(), &admin(Some(200)));
    assert!(verify(&key(), &token, 199).is_ok());
    assert_eq!(verify(&key(), &token, 200), Err(BadToken::Expired));
    let text = signed(&json!({ "alg": "HS256" }), &json!({ "id": "admin", "exp": 200.5 }));
    assert!(verify(&key(), &text, 199).is_ok());
    assert_eq!(verify(&key(), &text, 200), Err(BadToken::Expired));
}

#[test]
fn other_algorithms_are_refused_also_with_a_good_signature() {
    let payload = json!({ "id": "admin" });
    for alg in ["none", "None", "HS384", "RS256", ""] {
        let token = signed(&json!({ "alg": alg }), &payload);
        assert_eq!(verify(&key(), &token, 0), Err(BadToken::Algorithm), "{alg}");
    }
    let header = json!({ "alg": "HS256", "crit": ["exp"] });
    assert_eq!(verify(&key(), &signed(&header, &payload), 0), Err(BadToken::Algorithm));
    let bare = format!("{}.{}.", part(&json!({ "alg": "none" })), part(&payload));
    assert_eq!(verify(&key(), &bare, 0), Err(BadToken::Algorithm));
}

#[test]
fn what_was_changed_or_signed_by_another_is_refused() {
    let token = sign(&key(), &admin(None));
    assert_eq!(verify(&Secret::from("another"), &token, 0), Err(BadToken::Signature));
    assert_eq!(verify(&Secret::default(), &token, 0), Err(BadToken::Signature));
    let (text, signature) = token.rsplit_once('.').unwrap();
    let other = part(&json!({ "id": "root" }));
    let (header, _) = text.split_once('.').unwrap();
    let forged = format!("{header}.{other}.{signature}");
    assert_eq!(verify(&key(), &forged, 0), Err(BadToken::Signature));
    let cut = format!("{text}.");
    assert_eq!(verify(&key(), &cut, 0), Err(BadToken::Signature));
}

#[test]
fn garbage_is_malformed_and_no_panic() {
    let header = json!({ "alg": "HS256" });
    let claims = [
        json!({}),
        json!({ "id": 7 }),
        json!({ "id": "a", "exp": "never" }),
        json!({ "id": "a", "exp": null }),
        json!({ "id": "a", "exp": 1e300 }),
        json!([]),
    ];
    let unclear = claims.iter().map(|claims| signed(&header, claims));
    let texts = ["", "xxx", "a.b", "a.b.c", "..", "ä.ö.ü"].into_iter().map(str::to_owned);
    for text in texts.chain(unclear).chain([".".repeat(LONGEST + 1)]) {
        assert_eq!(verify(&key(), &text, 0), Err(BadToken::Malformed), "{text}");
    }
    let later = signed(&header, &json!({ "id": "a", "nbf": 0 }));
    assert_eq!(verify(&key(), &later, 0), Err(BadToken::NotYet));
}

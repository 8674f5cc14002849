//! `POST /v1/values/many`.

use super::json::Json;
use super::problem::Problem;
use super::query::Raw;
use super::submission::{self, Came, Fate};
use super::values::{longest_receipt, no_value, read_body, receipt};
use super::{Api, Room, SMALL};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use consensus::{ClientValue, MAX_BATCH_BYTES, MAX_BATCH_VALUES};
use learner_graph::LearnerId;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a value takes in memory until it is told what became of it, beside its bytes and the answer, about.
pub(super) const EACH: usize = 1024;

/// Accepts several values; with `?wait=LEARNER` answers when that learner has delivered some of them.
pub(super) async fn submit(
    State(api): State<Arc<Api>>,
    query: Raw,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let came = Came::now(&api, query, &headers)?;
    let bound =
        format!("a request has at most {MAX_BATCH_BYTES} bytes of values; submit them in several");
    let (bytes, room) = read_body(&api, body, MAX_BATCH_BYTES, &bound).await?;
    let values = read(&bytes)?;
    drop(bytes);
    // Before anything is submitted: what became of it could not be told without.
    let held = room_until_told(&api, came.learner(), values.len())?;
    let fates = submission::submit(&api, came, values, room).await?;
    let fates: Vec<Fate> = fates.into_iter().map(|(_, fate)| fate).collect();
    let all_decided = fates.iter().all(|fate| matches!(fate, Fate::Decided(_)));
    let status = match all_decided {
        true => StatusCode::OK,
        false => StatusCode::ACCEPTED,
    };
    let mut response = (status, Json(told(&api, &fates))).into_response();
    if let Some(held) = held {
        response.extensions_mut().insert(held);
    }
    Ok(response)
}

/// Room for so many values until it is told what became of them: for what each takes beside its bytes, and for the
/// longest answer, in which each has a slot of its own. None for a few.
fn room_until_told(
    api: &Api,
    learner: Option<LearnerId>,
    values: usize,
) -> Result<Option<Room>, Problem> {
    let receipt = learner.map_or(0, |learner| longest_receipt(api, learner));
    let bytes = values * (EACH + receipt);
    match bytes < SMALL {
        true => Ok(None),
        false => api.room(bytes).map(|room| Some(Room(Arc::new(room)))),
    }
}

/// What became of the values, which are named by their places in the request.
fn told(api: &Api, fates: &[Fate]) -> Value {
    let (mut slots, mut kept, mut full) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (at, fate) in fates.iter().enumerate() {
        match fate {
            Fate::Decided(found) => {
                let (_, values) = slots.entry(found.slot).or_insert((found, Vec::new()));
                values.push(at);
            }
            Fate::Kept => kept.push(at),
            Fate::Full => full.push(at),
        }
    }
    let decided = slots.into_values().map(|(found, values)| {
        let mut object = receipt(api, found);
        object["values"] = values.into();
        object
    });
    json!({"decided": decided.collect::<Vec<Value>>(), "kept": kept, "full": full})
}

/// Reads values one after the other: of each the length of its key (1 byte), its key, its length (4 bytes, little
/// endian), its bytes.
fn read(mut bytes: &[u8]) -> Result<Vec<ClientValue>, Problem> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let number = values.len() + 1;
        if number > MAX_BATCH_VALUES {
            return Err(Problem::too_large(format!(
                "more than {MAX_BATCH_VALUES} values; submit them in several requests"
            )));
        }
        let (value, rest) = one(bytes).ok_or_else(|| {
            Problem::bad_request(format!(
                "value {number} ends too early; of each value comes the length of its key (1 byte), its key, its \
                 length (4 bytes, little endian), its bytes"
            ))
        })?;
        value
            .check()
            .map_err(|error| no_value(&error, &format!("value {number}: ")))?;
        values.push(value);
        bytes = rest;
    }
    match values.is_empty() {
        true => Err(Problem::bad_request("there is no value")),
        false => Ok(values),
    }
}

fn one(bytes: &[u8]) -> Option<(ClientValue, &[u8])> {
    let (&[key], rest) = bytes.split_first_chunk()?;
    let (key, rest) = rest.split_at_checked(usize::from(key))?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (bytes, rest) = rest.split_at_checked(length)?;
    let (key, bytes) = (key.to_vec(), bytes.to_vec());
    Some((ClientValue { key, bytes }, rest))
}

#[cfg(test)]
mod fuzz {
    use super::*;

    fn write(values: &[ClientValue]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for value in values {
            bytes.push(u8::try_from(value.key.len()).expect("a key is short"));
            bytes.extend_from_slice(&value.key);
            let length = u32::try_from(value.bytes.len()).expect("a value is short");
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&value.bytes);
        }
        bytes
    }

    /// Whatever is read has one spelling, and keeps the bounds.
    fn check(bytes: &[u8]) {
        let Ok(values) = read(bytes) else { return };
        assert!((1..=MAX_BATCH_VALUES).contains(&values.len()));
        assert!(values.iter().all(|value| value.check().is_ok()));
        assert_eq!(write(&values), bytes);
    }

    #[test]
    fn any_values() {
        let value = |key: &[u8], bytes: &[u8]| ClientValue {
            key: key.to_vec(),
            bytes: bytes.to_vec(),
        };
        let values = [value(b"", b"v"), value(b"key", b""), value(b"", b"")];
        assert_eq!(read(&write(&values)).as_deref(), Ok(&values[..]));
        for cut in 1..write(&values[..2]).len() {
            let whole = cut == write(&values[..1]).len();
            assert_eq!(read(&write(&values[..2])[..cut]).is_ok(), whole, "{cut}");
        }
        let long = read(&write(&[values[0].clone(), value(&[7; 129], b"v")]));
        assert!(long.unwrap_err().detail.starts_with("value 2: "));
        let many = vec![value(b"", b""); MAX_BATCH_VALUES + 1];
        assert!(read(&write(&many[1..])).is_ok());
        assert!(read(&write(&many)).is_err());
        bolero::check!()
            .with_iterations(10_000)
            .with_max_len(64)
            .for_each(check);
    }
}

//! Client values as JSON: the same object in answers, events and files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consensus::ClientValue;
use crypto::Digest;
use serde::{Deserialize, Serialize};

/// A client's value: `{"id":…,"base64":…,"text":…,"key":…}`. `base64` is always there; `text` only if
/// the bytes are printable UTF-8; `key` (base64) only if the client gave one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValueJson {
    /// What makes two submissions the same.
    pub(crate) id: Digest,
    base64: String,
    /// The bytes as text, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl ValueJson {
    pub(crate) fn new(value: &ClientValue) -> Self {
        Self::with_id(&value.id(), value)
    }

    /// The same where the value's id is known already.
    pub(crate) fn with_id(id: &Digest, value: &ClientValue) -> Self {
        ValueJson {
            id: *id,
            base64: STANDARD.encode(&value.bytes),
            text: text(&value.bytes),
            key: (!value.key.is_empty()).then(|| STANDARD.encode(&value.key)),
        }
    }

    /// The value, if all fields say the same.
    pub(crate) fn value(&self) -> Option<ClientValue> {
        let key = self.key.as_deref().unwrap_or_default();
        let value = ClientValue {
            key: STANDARD.decode(key).ok()?,
            bytes: STANDARD.decode(&self.base64).ok()?,
        };
        (ValueJson::new(&value) == *self).then_some(value)
    }
}

/// The bytes as text, if a person could read it.
fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let readable = |c: char| !c.is_control() || "\t\n\r".contains(c);
    text.chars().all(readable).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_only_if_readable() {
        assert_eq!(text("grüß\n".as_bytes()).as_deref(), Some("grüß\n"));
        assert_eq!(text(b""), Some(String::new()));
        assert_eq!(text(b"\x00"), None);
        assert_eq!(text(b"\xff"), None);
        assert_eq!(text(b"\x1b[31m"), None);
    }

    #[test]
    fn all_fields_are_of_one_value() {
        let value = ClientValue::new(b"k".to_vec(), b"v".to_vec()).unwrap();
        let json = ValueJson::new(&value);
        assert_eq!(json.value().as_ref(), Some(&value));
        let other = ValueJson::new(&ClientValue::new(Vec::new(), b"w".to_vec()).unwrap());
        let changed = [
            ValueJson {
                id: other.id,
                ..json.clone()
            },
            ValueJson {
                base64: other.base64.clone(),
                ..json.clone()
            },
            ValueJson {
                base64: "dg".into(),
                ..json.clone()
            },
            ValueJson {
                text: other.text.clone(),
                ..json.clone()
            },
            ValueJson {
                text: None,
                ..json.clone()
            },
            ValueJson {
                key: other.key.clone(),
                ..json.clone()
            },
            ValueJson {
                key: Some(String::new()),
                ..other.clone()
            },
        ];
        for changed in changed {
            assert_eq!(changed.value(), None, "{changed:?}");
        }
    }
}

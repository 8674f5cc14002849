//! Server-sent events: bytes in, events out. No I/O.

use crate::event::Event;

/// The most bytes of one event, its lines together.
pub const MAX_EVENT_BYTES: usize = 64 << 20;

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// The `id:` in force, to resume after.
    pub id: Option<String>,
    /// The `data:` lines, joined by newlines.
    pub data: String,
}

impl ServerEvent {
    /// What it says.
    ///
    /// # Errors
    /// If that cannot be read.
    pub fn read(&self) -> Result<Event, serde_json::Error> {
        serde_json::from_str(&self.data)
    }
}

/// An event exceeds [`MAX_EVENT_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream exceeds {MAX_EVENT_BYTES} bytes")]
pub struct TooLarge;

/// An incremental parser: chunks may end anywhere.
#[derive(Debug, Default)]
pub struct SseParser {
    line: Vec<u8>,
    after_cr: bool,
    id: Option<String>,
    data: Option<String>,
}

impl SseParser {
    /// Takes bytes in and returns the events that they complete.
    ///
    /// # Errors
    /// [`TooLarge`] if an event does not end in time; the parser is of no use after that.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<Vec<ServerEvent>, TooLarge> {
        let mut events = Vec::new();
        for &byte in chunk {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => events.extend(self.end_of_line()),
                _ => self.line.push(byte),
            }
        }
        let held = self.line.len() + self.data.as_ref().map_or(0, String::len);
        if held > MAX_EVENT_BYTES {
            Err(TooLarge)
        } else {
            Ok(events)
        }
    }

    fn end_of_line(&mut self) -> Option<ServerEvent> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            // An event without data is not dispatched, but its id counts.
            return self.data.take().map(|data| ServerEvent {
                id: self.id.clone(),
                data,
            });
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            // The kind is inside the data as well; comments keep the connection alive.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: Option<&str>, data: &str) -> ServerEvent {
        ServerEvent {
            id: id.map(str::to_owned),
            data: data.to_owned(),
        }
    }

    #[test]
    fn a_stream_reads_the_same_however_it_is_cut() {
        let text = b": hello\nid: 7\nevent: decision\ndata: {\"a\":\ndata:1}\n\n\r\nid\ndata:x\r\n\r\nid:8\n\ndata\n\n";
        let expected = [
            event(Some("7"), "{\"a\":\n1}"),
            event(Some(""), "x"),
            event(Some("8"), ""),
        ];
        for size in 1..=text.len() {
            let mut parser = SseParser::default();
            let mut events = Vec::new();
            for chunk in text.chunks(size) {
                events.extend(parser.feed(chunk).expect("small"));
            }
            assert_eq!(events, expected, "chunks of {size}");
        }
    }

    #[test]
    fn an_unfinished_event_is_not_given_out() {
        let mut parser = SseParser::default();
        assert_eq!(parser.feed(b"data: half\n"), Ok(vec![]));
        assert_eq!(parser.feed(b"\n"), Ok(vec![event(None, "half")]));
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = SseParser::default();
        let chunk = vec![b'x'; 1 << 20];
        let refused = (0..=64).map(|_| parser.feed(&chunk)).find(Result::is_err);
        assert_eq!(refused, Some(Err(TooLarge)));
    }
}

//! The terminal: taken, drawn on, and given back however this ends.

use super::draw::draw;
use super::feed::Report;
use super::state::Watch;
use super::view::View;
use ratatui::crossterm::event::{self, Event};
use std::io;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How often it is drawn, beside when a key is pressed.
const EVERY: Duration = Duration::from_millis(200);
/// News that are taken in at once.
const AT_ONCE: usize = 1024;

/// Gives the terminal back when dropped. A panic does so by itself, before it says why.
struct Taken;

impl Drop for Taken {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Shows what is known until the user has seen enough, or a signal comes.
///
/// # Errors
/// If the terminal cannot be used.
pub(super) async fn show(
    mut watch: Watch,
    mut reports: Receiver<Report>,
    start: Instant,
) -> io::Result<()> {
    let mut signals = Signals::catch()?;
    let mut terminal = ratatui::try_init()?;
    let taken = Taken;
    let mut keys = keys();
    let mut view = View::default();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut news = Vec::new();
    loop {
        let due = tokio::select! {
            biased;
            () = signals.next() => break,
            key = keys.recv() => match key {
                Some(Event::Key(key)) if !view.key(key) => break,
                Some(_) => true,
                // The terminal is gone.
                None => break,
            },
            _ = tick.tick() => true,
            n = reports.recv_many(&mut news, AT_ONCE) => {
                news.drain(..n).for_each(|(node, at, news)| watch.take(node, at, news));
                false
            }
        };
        if due {
            watch.now = start.elapsed();
            terminal.draw(|frame| draw(frame, &watch, &mut view))?;
        }
    }
    drop(taken);
    Ok(())
}

/// Keys as they are pressed, from a thread that ends when nobody wants them.
fn keys() -> Receiver<Event> {
    let (to, keys) = channel(64);
    std::thread::spawn(move || read_keys(&to));
    keys
}

fn read_keys(to: &Sender<Event>) {
    while !to.is_closed() {
        let read = match event::poll(EVERY) {
            Ok(true) => event::read(),
            Ok(false) => continue,
            Err(_) => return,
        };
        let Ok(event) = read else { return };
        if to.blocking_send(event).is_err() {
            return;
        }
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn catch() -> io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

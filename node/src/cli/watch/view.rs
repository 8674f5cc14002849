//! What of it the user looks at.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A page of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pane {
    /// Learners, their agreement and their decisions.
    #[default]
    Learners,
    /// Nodes and disks.
    Nodes,
    /// Acceptors that were caught.
    Evidence,
    /// What has happened.
    Events,
}

impl Pane {
    pub(super) const ALL: [Pane; 4] = [Pane::Learners, Pane::Nodes, Pane::Evidence, Pane::Events];

    pub(super) fn name(self) -> &'static str {
        match self {
            Pane::Learners => "learners",
            Pane::Nodes => "nodes",
            Pane::Evidence => "evidence",
            Pane::Events => "events",
        }
    }

    fn turn(self, by: usize) -> Pane {
        let at = Pane::ALL.iter().position(|pane| *pane == self).unwrap_or(0);
        Pane::ALL[(at + by) % Pane::ALL.len()]
    }
}

/// Where the user is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    pub(super) pane: Pane,
    /// Lines that are scrolled away at the top.
    pub(super) down: usize,
    /// Slots that are scrolled away at the end.
    pub(super) back: u64,
    pub(super) help: bool,
}

impl View {
    /// Takes a key in; `false` if it is the end.
    pub(super) fn key(&mut self, key: KeyEvent) -> bool {
        if key.kind == KeyEventKind::Release {
            return true;
        }
        let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'd') if with_control => return false,
            KeyCode::Char('q') => return false,
            KeyCode::Esc if !self.help => return false,
            _ if self.help => self.help = false,
            KeyCode::Char('?') => self.help = true,
            KeyCode::Tab => self.turn(1),
            KeyCode::BackTab => self.turn(Pane::ALL.len() - 1),
            KeyCode::Down | KeyCode::Char('j') => self.down = self.down.saturating_add(1),
            KeyCode::Up | KeyCode::Char('k') => self.down = self.down.saturating_sub(1),
            KeyCode::PageDown => self.down = self.down.saturating_add(10),
            KeyCode::PageUp => self.down = self.down.saturating_sub(10),
            KeyCode::Left | KeyCode::Char('h') => self.back = self.back.saturating_add(1),
            KeyCode::Right | KeyCode::Char('l') => self.back = self.back.saturating_sub(1),
            KeyCode::Home => self.back = u64::MAX,
            KeyCode::End => self.back = 0,
            _ => {}
        }
        true
    }

    fn turn(&mut self, by: usize) {
        self.pane = self.pane.turn(by);
        self.down = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_move_the_view_and_end_it() {
        let mut view = View::default();
        let mut press = |code: KeyCode| {
            let on = view.key(KeyEvent::from(code));
            (view, on)
        };
        assert_eq!(press(KeyCode::Tab).0.pane, Pane::Nodes);
        assert_eq!(press(KeyCode::BackTab).0.pane, Pane::Learners);
        assert_eq!(press(KeyCode::BackTab).0.pane, Pane::Events);
        assert_eq!(press(KeyCode::Char('j')).0.down, 1);
        assert_eq!(press(KeyCode::Up).0.down, 0);
        assert_eq!(press(KeyCode::Up).0.down, 0);
        assert_eq!(press(KeyCode::Left).0.back, 1);
        assert_eq!(press(KeyCode::End).0.back, 0);
        assert!(press(KeyCode::Char('?')).0.help);
        let (closed, on) = press(KeyCode::Esc);
        assert!(
            on && !closed.help,
            "a key closes the help, and nothing else"
        );
        assert!(!press(KeyCode::Char('q')).1);
        assert!(!press(KeyCode::Esc).1);
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert!(!view.key(control_c));
    }
}

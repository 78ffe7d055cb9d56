//! Several servers at once: one is in front, and knows of the others what stands in the list.

use super::app::{App, Listed, Overlay};

/// Another server that one is on, as far as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    pub place: usize,
    pub server: String,
    /// The truth about its link.
    pub words: String,
    pub well: bool,
    pub list: Vec<Listed>,
}

/// What one server's part of the screen cannot do by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Puts another server in front; `None`: where one was there last.
    Show {
        server: usize,
        name: Option<String>,
    },
    Connect {
        address: String,
        rooms: Vec<String>,
    },
    /// Leaves this server, and stays on the others.
    Disconnect,
    /// Tries at once, and trusts a certificate anew that has been confirmed by hand.
    Reconnect,
}

/// How one server looks to the others.
pub fn neighbour(app: &App) -> Neighbour {
    let (words, well) = app.state_words();
    let asks = matches!(app.overlay, Some(Overlay::Login { .. }));
    Neighbour { place: app.place, server: app.server.clone(), words, well: well && !asks, list: app.list() }
}

/// Puts another server in front: what belongs to the screen and to no server goes along.
pub fn change_front(from: &mut App, to: &mut App) {
    from.in_front = false;
    from.neighbours.clear();
    to.in_front = true;
    (to.show_list, to.show_people, to.mouse) = (from.show_list, from.show_people, from.mouse);
    to.places = std::mem::take(&mut from.places);
    to.hint = None;
}

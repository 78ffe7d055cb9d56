//! The programs themselves, over real sockets and with the real store. One test program: to link the server fifteen times
//! over took most of the time of a change's tests.

#![expect(clippy::disallowed_methods, reason = "tests dial the server")]

mod accounts;
mod always_on;
mod bad_network;
mod captures;
mod carriers;
mod client_certificate;
mod connection;
mod crash;
mod devices;
mod figures;
mod full_disk;
mod full_screen;
mod groups;
mod guessing;
mod history;
mod hostile_input;
mod hostnames;
mod hub_turns;
mod impersonation;
mod kept;
mod lesson;
mod once;
mod overload;
mod page;
mod pins;
mod pong;
mod redaction;
mod reload;
mod reports;
mod retention;
mod search;
mod several_lines;
mod shutdown;
mod start;
mod support;
mod terminal_closed;
mod trust;

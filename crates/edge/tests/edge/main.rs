//! The edge from outside: real sockets, real TLS, the real control behind it, and a real
//! tunnel to a service that does as it is told.

mod access;
mod agent_panel;
mod client;
mod denial;
mod gate;
mod h2;
mod house;
mod origin;
mod p12;
mod proxy;
mod site;
mod times;
mod websocket;
mod zones;

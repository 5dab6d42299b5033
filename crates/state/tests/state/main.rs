//! The state directory through its public face.

mod copies;
mod directory;
mod documents;
mod fixture;
mod outside_bytes;
mod runtime;

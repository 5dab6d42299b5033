//! The state directory through its public face.

mod directory;
mod documents;
mod fixture;
mod outside_bytes;
mod runtime;

//! The library against a fake of DigitalOcean that refuses and fails as the real one does.

mod digitalocean;
mod regions;
mod token;
mod world;

//! The library against a fake of DigitalOcean that refuses and fails as the real one does.

mod after;
mod digitalocean;
mod droplet;
mod failures;
mod provisioning;
mod regions;
mod shapes;
mod token;
mod world;

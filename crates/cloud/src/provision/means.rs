//! What making a server works with.

use std::time::Duration;

use portlama_model::Timestamp;

use crate::digitalocean::DigitalOcean;
use crate::{Credentials, Home};

/// What making a server, and clearing away after it, works with.
pub struct Means<'a> {
    /// Whom droplets and keys are asked of.
    pub digital_ocean: &'a DigitalOcean,
    /// Where passwords go.
    pub credentials: &'a Credentials,
    /// Where files go.
    pub home: &'a Home,
    /// How long is waited.
    pub pace: Pace,
    /// Where a new server answers.
    pub ports: Ports,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Where a new server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// By SSH.
    pub ssh: u16,
    /// The panel.
    pub panel: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            ssh: 22,
            panel: 9292,
        }
    }
}

/// How often is asked, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Between two looks at a droplet that starts: five minutes of them are 60 of the 5,000
    /// calls that a token has an hour.
    pub look: Duration,
    /// How long a droplet may take to run and have an address.
    pub boot: Duration,
    /// Between two tries to connect.
    pub knock: Duration,
    /// The same after the key was not taken: the installation counts refused tries.
    pub knock_after_refusal: Duration,
    /// How long a running droplet may take until it lets us in.
    pub let_in: Duration,
    /// How long cloud-init may take.
    pub first_start: Duration,
    /// How long the program may take to go over: 25 MB at 64 KiB a second.
    pub send: Duration,
    /// How long the installation may take, packages included.
    pub install: Duration,
    /// How long a small command may take there.
    pub command: Duration,
    /// Between two questions to a panel that starts.
    pub ask: Duration,
    /// How long the panel may take until it answers the admin.
    pub answer: Duration,
    /// Between two looks for something whose creation had no clear answer, and between two tries
    /// to take something away.
    pub settle: Duration,
    /// How many of these looks or tries.
    pub settle_tries: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(5),
            boot: Duration::from_secs(300),
            knock: Duration::from_secs(1),
            knock_after_refusal: Duration::from_secs(10),
            let_in: Duration::from_secs(180),
            first_start: Duration::from_secs(300),
            send: Duration::from_secs(400),
            install: Duration::from_secs(600),
            command: Duration::from_secs(60),
            ask: Duration::from_secs(2),
            answer: Duration::from_secs(120),
            settle: Duration::from_secs(3),
            settle_tries: 10,
        }
    }
}

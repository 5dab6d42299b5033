//! Passwords, one-time codes, sessions and lock-out as pure rules. No IO, no clock.

//! Sans-IO core of the tunnel protocol: frames, streams, windows, both ends' state machines.

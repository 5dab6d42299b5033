//! The panel's REST API: parse, call control, answer.

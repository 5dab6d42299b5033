//! Sign-in pages and routes on auth.<domain>.

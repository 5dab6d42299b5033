//! Request and response types of the panel API; feature 'client' is a typed client with pinning.

//! Certificate authority: issue, sign requests, PKCS#12, verify a presented chain. No IO, time is an argument.

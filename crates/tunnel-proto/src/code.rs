//! The numbers that say why: closing a carrier, refusing a stream, resetting one, going away.

/// Declares an enum whose variants have a number on the wire and a text for people.
macro_rules! wire_codes {
    ($(#[$meta:meta])* $name:ident: $repr:ty, unknown => $fallback:ident {
        $($(#[$doc:meta])* $variant:ident = $value:literal, $text:literal;)+
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every code, in the order of the wire format document.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The number on the wire.
            #[must_use]
            pub fn to_wire(self) -> $repr {
                match self { $(Self::$variant => $value),+ }
            }

            /// The code of a number; numbers of later versions read as the general case.
            #[must_use]
            pub fn from_wire(value: $repr) -> Self {
                match value { $($value => Self::$variant,)+ _ => Self::$fallback }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $(Self::$variant => $text),+ })
            }
        }
    };
}

wire_codes! {
    /// Why a carrier was closed; the content of a CLOSE frame.
    CloseCode: u16, unknown => Internal {
        /// The sender stops in order.
        Normal = 0x00, "closed in order";
        /// The sender failed in a way the receiver cannot act on.
        Internal = 0x01, "the other end failed";
        /// The first bytes are not a Portlama HELLO.
        BadMagic = 0x10, "the other end does not speak this protocol";
        /// The version ranges do not meet.
        VersionUnsupported = 0x11, "the versions of agent and server do not go together";
        /// Another frame came before HELLO, or HELLO came twice.
        HelloExpected = 0x12, "HELLO missing or repeated";
        /// HELLO did not come in time.
        HelloTimeout = 0x13, "HELLO did not come in time";
        /// A frame that this end never receives.
        UnexpectedFrame = 0x14, "a frame in the wrong direction";
        /// A type that is neither known nor marked ignorable.
        UnknownFrame = 0x15, "a frame of unknown type";
        /// The claimed length is above the limit.
        FrameTooLarge = 0x16, "a frame above the size limit";
        /// The payload does not have the form of its type.
        Malformed = 0x17, "a malformed frame";
        /// The stream was never opened.
        UnknownStream = 0x18, "a stream that was never opened";
        /// The stream was opened before, or out of order.
        StreamReopened = 0x19, "a stream opened twice";
        /// More data than the receiver had allowed.
        WindowOverflow = 0x1a, "more data than the window allows";
        /// Credit above the largest window.
        CreditOverflow = 0x1b, "credit above the largest window";
        /// More unanswered control frames than the receiver is ready to keep.
        Flood = 0x1c, "too many control frames";
        /// Nothing was received for too long.
        Dead = 0x1d, "the other end fell silent";
        /// The agent's certificate or enrolment is no longer valid.
        Revoked = 0x20, "the agent was revoked";
        /// Another process with the same identity is connected.
        SecondInstance = 0x21, "another process of the same agent is connected";
        /// A newer session of the same process took over.
        Superseded = 0x22, "a newer session took over";
        /// The session is older than the one that lives.
        StaleSession = 0x23, "an older session than the one that lives";
        /// The session has as many carriers as it may have.
        TooManyCarriers = 0x24, "too many carriers in one session";
        /// The process ends.
        Shutdown = 0x25, "the other end shuts down";
    }
}

wire_codes! {
    /// Why the agent refused to open a stream; the content of a REFUSED frame.
    RefusalReason: u8, unknown => Internal {
        /// The port is not on the agent's own list.
        NotAllowed = 1, "not allowed by the agent";
        /// Nothing answers at the service's address.
        OriginRefused = 2, "the service refused the connection";
        /// The service did not accept in time.
        OriginTimeout = 3, "the service did not accept in time";
        /// As many streams are open as may be.
        Limit = 4, "too many open streams";
        /// The TLS handshake with the service failed.
        TlsFailed = 5, "the TLS handshake with the service failed";
        /// The agent failed in another way.
        Internal = 6, "the agent failed";
    }
}

wire_codes! {
    /// Why one end gave a stream up; the content of a RESET frame.
    ResetCode: u16, unknown => Internal {
        /// Whoever used the stream no longer wants it.
        Cancelled = 0, "given up";
        /// The connection to the service or to the visitor broke.
        Aborted = 1, "the connection behind broke";
        /// The end failed in another way.
        Internal = 2, "failed";
    }
}

wire_codes! {
    /// Why no new stream will use this carrier; the content of a GOAWAY frame.
    GoAwayReason: u8, unknown => Restart {
        /// The process ends or is replaced; come back after the pause.
        Restart = 1, "the server restarts";
        /// The carrier's stream ids are used up.
        Retired = 2, "the carrier is worn out";
    }
}

wire_codes! {
    /// How a service behind the agent fares; part of a REPORT frame.
    PortState: u8, unknown => OriginRefused {
        /// It accepts connections.
        Ready = 1, "ready";
        /// The port is not on the agent's own list.
        NotAllowed = 2, "not allowed at home";
        /// It does not accept connections.
        OriginRefused = 3, "the service does not answer";
    }
}

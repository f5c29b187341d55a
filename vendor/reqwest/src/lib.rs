//! Stands in for the HTTP client of the same name. The FEEL evaluator asks a local Java server for external functions;
//! in Celek no expression reaches the network, so every request fails at once and the function's value is null.

/// The blocking part of the interface, as far as the FEEL evaluator uses it.
pub mod blocking {
    /// A client that refuses every request.
    #[derive(Debug, Default)]
    pub struct Client;

    /// A request that will be refused.
    #[derive(Debug)]
    pub struct RequestBuilder;

    /// An answer; none is ever made.
    #[derive(Debug)]
    pub enum Response {}

    impl Client {
        /// A client.
        pub fn new() -> Self {
            Self
        }

        /// Begins a request, which will be refused.
        pub fn post(&self, _url: &str) -> RequestBuilder {
            RequestBuilder
        }
    }

    impl RequestBuilder {
        /// Gives the request a body.
        pub fn json<T: ?Sized>(self, _body: &T) -> Self {
            self
        }

        /// Refuses the request.
        pub fn send(self) -> Result<Response, crate::Error> {
            Err(crate::Error)
        }
    }

    impl Response {
        /// The body; there is none.
        pub fn json<T>(self) -> Result<T, crate::Error> {
            match self {}
        }
    }
}

/// Why no request is sent.
#[derive(Debug)]
pub struct Error;

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("external functions are not available")
    }
}

impl std::error::Error for Error {}

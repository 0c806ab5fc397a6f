//! Where the server listens, and the address that others reach it at.

use std::{
    fmt,
    io::ErrorKind,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use tokio::net::TcpListener;
use url::Url;

use crate::first_run::Trouble;

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// At both addresses that `localhost` stands for: programs differ in which one they try.
    Localhost(u16),
    At(SocketAddr),
}

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse() {
            return Ok(Self::At(address));
        }
        let port = match text.rsplit_once(':') {
            Some((host, port)) if host.eq_ignore_ascii_case("localhost") => Some(port),
            Some(_) => None,
            None => Some(text),
        };
        let port = port.filter(|port| port.bytes().all(|b| b.is_ascii_digit())).and_then(|port| port.parse().ok());
        port.map(Self::Localhost).ok_or("say a port (3000), localhost:3000, or an address with its port (0.0.0.0:3000)")
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Localhost(port) => write!(f, "localhost:{port}"),
            Self::At(address) => address.fmt(f),
        }
    }
}

/// A free port of one loopback may be taken on the other; so often another one is tried.
const TRIES: usize = 20;

impl Listen {
    /// Listens there. A machine without IPv6, or without IPv4, has one loopback only.
    pub async fn bind(self) -> Result<Vec<TcpListener>, Trouble> {
        let port = match self {
            Self::At(address) => return Ok(vec![bind(address).await?]),
            Self::Localhost(port) => port,
        };
        for _ in 0..TRIES {
            let (v4, v6) = both(port).await;
            match (v4, v6) {
                (Ok(v4), Ok(v6)) => return Ok(vec![v4, v6]),
                (Ok(_), Err((_, error))) if port == 0 && error.kind() == ErrorKind::AddrInUse => {}
                (Ok(one), Err((_, error))) | (Err((_, error)), Ok(one)) if is_no_address_here(&error) => {
                    return Ok(vec![one]);
                }
                (Err((address, error)), _) | (_, Err((address, error))) => return Err(cannot_listen(address, &error)),
            }
        }
        Err(Trouble("there is no port that is free on both 127.0.0.1 and ::1; choose one with --listen".into()))
    }
}

type Bound = Result<TcpListener, (SocketAddr, std::io::Error)>;

/// Both loopbacks, on the same port.
async fn both(port: u16) -> (Bound, Bound) {
    let at = async |address: SocketAddr| TcpListener::bind(address).await.map_err(|error| (address, error));
    let v4 = at((Ipv4Addr::LOCALHOST, port).into()).await;
    let port = v4.as_ref().ok().and_then(|bound| bound.local_addr().ok()).map_or(port, |address| address.port());
    (v4, at((Ipv6Addr::LOCALHOST, port).into()).await)
}

/// Whether an address cannot be had on this machine. A system without the whole family has a code of its own for that,
/// which no `ErrorKind` names.
fn is_no_address_here(error: &std::io::Error) -> bool {
    !matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied)
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Trouble> {
    TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Trouble {
    Trouble(match error.kind() {
        ErrorKind::AddrInUse => {
            let next = address.port().checked_add(1).unwrap_or(3000);
            format!("another program listens at {address}; stop it, or choose another port, such as --listen {next}")
        }
        ErrorKind::PermissionDenied => {
            format!("this user may not listen at {address}; choose a port above 1023, such as --listen 3000")
        }
        ErrorKind::AddrNotAvailable => format!(
            "{address} is no address of this machine; choose one of its own with --listen, such as --listen 0.0.0.0:{} for all",
            address.port()
        ),
        _ => format!("cannot listen at {address}: {error}; choose another address with --listen"),
    })
}

/// Where the server is reached when nothing else is said. A passkey belongs to a name and to no address, so it is
/// `localhost` wherever that leads here.
pub fn default_origin(listen: Listen, bound: SocketAddr, is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    match listen {
        Listen::At(address) if !address.ip().is_unspecified() => format!("{scheme}://{bound}"),
        _ => format!("{scheme}://localhost:{}", bound.port()),
    }
}

/// Reads an origin: a scheme, a host and perhaps a port. The hosted pages stand at its root.
pub fn origin(text: &str) -> Result<String, &'static str> {
    const EXAMPLE: &str = "say scheme, host and perhaps port, such as https://mfa.example.com or http://localhost:3000";
    let url = Url::parse(text).map_err(|_| EXAMPLE)?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_bare || !is_plain {
        return Err(EXAMPLE);
    }
    Ok(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_on_this_machine() {
        for (text, read) in [
            ("3000", Listen::Localhost(3000)),
            ("0", Listen::Localhost(0)),
            ("localhost:4311", Listen::Localhost(4311)),
            ("LOCALHOST:4311", Listen::Localhost(4311)),
            ("0.0.0.0:80", Listen::At(([0, 0, 0, 0], 80).into())),
            ("[::1]:3000", Listen::At((Ipv6Addr::LOCALHOST, 3000).into())),
        ] {
            assert_eq!(text.parse(), Ok(read), "{text}");
        }
        for bad in ["", ":3000", "+3000", "65536", "127.0.0.1", "localhost", "localhost:", "example.com:80", "::1:3000"]
        {
            let said = bad.parse::<Listen>().expect_err(bad);
            assert!(said.contains("localhost:3000"), "{said}");
        }
    }

    #[test]
    fn an_origin_has_a_scheme_and_no_path() {
        for (text, read) in [
            ("https://mfa.example.com/", "https://mfa.example.com"),
            ("HTTP://LOCALHOST:80", "http://localhost"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(origin(text).as_deref(), Ok(read));
        }
        for bad in
            ["foo", "", "localhost:3000", "mfa.example.com", "ftp://a", "https://a/b", "https://a?b", "https://u@a"]
        {
            assert!(origin(bad).is_err_and(|said| said.contains("https://mfa.example.com")), "{bad}");
        }
    }

    #[test]
    fn it_is_reached_by_name_where_that_leads_here() {
        let bound = SocketAddr::from((Ipv4Addr::LOCALHOST, 4311));
        for (listen, is_tls, origin) in [
            (Listen::Localhost(0), false, "http://localhost:4311"),
            (Listen::At(([0, 0, 0, 0], 0).into()), true, "https://localhost:4311"),
            (Listen::At(([127, 0, 0, 1], 0).into()), false, "http://127.0.0.1:4311"),
        ] {
            assert_eq!(default_origin(listen, bound, is_tls), origin);
        }
    }
}

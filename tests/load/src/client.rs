//! The cheapest HTTP client that will do: prepared bytes go out over connections that stay open, and of what
//! comes back only status and length are read. The generator shares the machine with the server.

use std::{
    cell::Cell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::LocalSet,
};

use crate::Result;

/// A request as it goes over the wire.
pub fn post(path: &str, authorization: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: load\r\nauthorization: {authorization}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What came of some requests: the bodies in the order of the requests, and how long each took.
#[derive(Default)]
pub struct Sent {
    pub bodies: Vec<Vec<u8>>,
    pub latencies: Vec<Duration>,
    pub wall: Duration,
}

/// Sends all requests, so many at a time, each connection one after the other. Requests that are not under way
/// after `limit` are left out, from the end. A status other than 200 is an error.
pub async fn send(address: SocketAddr, concurrency: usize, limit: Duration, requests: Vec<Vec<u8>>) -> Result<Sent> {
    let mut connections = Vec::new();
    for _ in 0..concurrency.min(requests.len()) {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        connections.push(stream);
    }
    let (requests, next) = (Rc::new(requests), Rc::new(Cell::new(0)));
    let started = Instant::now();
    let local = LocalSet::new();
    let workers: Vec<_> = connections
        .into_iter()
        .map(|stream| {
            let (requests, next) = (requests.clone(), next.clone());
            local.spawn_local(async move {
                let mut connection = Connection { stream, buffer: Vec::with_capacity(4096) };
                let mut answered = Vec::new();
                while started.elapsed() < limit {
                    let index = next.replace(next.get() + 1);
                    let Some(request) = requests.get(index) else { break };
                    let began = Instant::now();
                    let body = connection.exchange(request).await.map_err(|error| error.to_string())?;
                    answered.push((index, began.elapsed(), body));
                }
                Ok::<_, String>(answered)
            })
        })
        .collect();
    local.await;
    let mut sent = Sent { wall: started.elapsed(), ..Sent::default() };
    let mut answered = Vec::new();
    for worker in workers {
        answered.extend(worker.await??);
    }
    answered.sort_unstable_by_key(|(index, ..)| *index);
    for (_, latency, body) in answered {
        sent.latencies.push(latency);
        sent.bodies.push(body);
    }
    Ok(sent)
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn exchange(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (head, length) = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server closed the connection".into());
            }
            let end = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            if let Some(end) = end {
                break (end + 4, length(&self.buffer[..end]).ok_or("an answer without a length")?);
            }
        };
        while self.buffer.len() < head + length {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server closed the connection".into());
            }
        }
        if !self.buffer.starts_with(b"HTTP/1.1 200 ") {
            return Err(format!("not 200: {}", String::from_utf8_lossy(&self.buffer)).into());
        }
        Ok(self.buffer[head..head + length].to_vec())
    }
}

fn length(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?;
    head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok())
}

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

pub fn get(path: &str, authorization: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: load\r\nauthorization: {authorization}\r\n\r\n").into_bytes()
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
    let exchange = async |[line]: &mut [Connection; 1], request: &Vec<u8>| {
        let began = Instant::now();
        let body = line.exchange(request).await?;
        Ok((began.elapsed(), body))
    };
    let (answered, wall) = work(address, concurrency, limit, requests, exchange).await?;
    let (latencies, bodies) = answered.into_iter().unzip();
    Ok(Sent { bodies, latencies, wall })
}

/// Does all jobs, so many at a time, each worker one after the other over connections of its own: what came of each,
/// in the order of the jobs, and how long all took. Jobs that are not under way after `limit` are left out, from the
/// end; the first that fails is an error.
pub async fn work<J: 'static, R: 'static, const N: usize>(
    address: SocketAddr,
    concurrency: usize,
    limit: Duration,
    jobs: Vec<J>,
    job: impl AsyncFn(&mut [Connection; N], &J) -> Result<R> + 'static,
) -> Result<(Vec<R>, Duration)> {
    let mut all_lines = Vec::new();
    for _ in 0..concurrency.min(jobs.len()) {
        let mut lines = Vec::with_capacity(N);
        for _ in 0..N {
            lines.push(Connection::open(address).await?);
        }
        all_lines.push(<[Connection; N]>::try_from(lines).map_err(|_| "other than N connections")?);
    }
    let (shared, next) = (Rc::new((jobs, job)), Rc::new(Cell::new(0)));
    let started = Instant::now();
    let local = LocalSet::new();
    let workers: Vec<_> = all_lines
        .into_iter()
        .map(|mut lines| {
            let (shared, next) = (shared.clone(), next.clone());
            local.spawn_local(async move {
                let (jobs, job) = &*shared;
                let mut done = Vec::new();
                while started.elapsed() < limit {
                    let index = next.replace(next.get() + 1);
                    let Some(one) = jobs.get(index) else { break };
                    done.push((index, job(&mut lines, one).await.map_err(|error| error.to_string())?));
                }
                Ok::<_, String>(done)
            })
        })
        .collect();
    local.await;
    let wall = started.elapsed();
    let mut done = Vec::new();
    for worker in workers {
        done.extend(worker.await??);
    }
    done.sort_unstable_by_key(|(index, _)| *index);
    Ok((done.into_iter().map(|(_, result)| result).collect(), wall))
}

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// The body of the answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Vec<u8>> {
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

//! What a process writes down: our own lines as they are, and of a library only that something is wrong, and where.
//!
//! A library does not know what is secret. At `trace`, hyper and the AWS SDK write whole bodies: the number of a push
//! while it is live, push tokens, addresses, the answers of KMS. Their warnings may print an error together with the
//! answer that it came from. So no variable raises a library above `warn`, and the words of its warnings are left out
//! (infra/decisions/0026).

use std::fmt;

use serde_json::json;
use tracing::{Event, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    filter::Targets,
    fmt::{
        FmtContext, FormatEvent, MakeWriter,
        format::{Format, Json, JsonFields, Writer, json as json_lines},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::clock::Timestamp;

/// JSON lines on standard error; `RUST_LOG` says how many (default `info` for ours, `warn` for the rest).
pub fn to_stderr() {
    let wanted = std::env::var("RUST_LOG").ok();
    let _ = subscriber(wanted.as_deref(), std::io::stderr).try_init();
}

/// The same with the directives of `RUST_LOG` and a place of one's own.
pub fn subscriber<W>(wanted: Option<&str>, writer: W) -> impl Subscriber + Send + Sync + 'static
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // The fields of a library's span would stand in our lines.
    let ours = json_lines().flatten_event(true).with_current_span(false).with_span_list(false);
    let lines =
        tracing_subscriber::fmt::layer().fmt_fields(JsonFields::new()).event_format(Lines { ours }).with_writer(writer);
    tracing_subscriber::registry().with(lines).with(filter(wanted))
}

/// Our crates, and nobody else's.
fn is_ours(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or_default();
    name == "countersign" || name.starts_with("countersign_")
}

/// What is wanted of our own targets, and at most `warn` of all others.
fn filter(wanted: Option<&str>) -> Targets {
    let wanted = wanted.and_then(|text| text.parse::<Targets>().ok()).unwrap_or_else(|| {
        Targets::new().with_default(LevelFilter::WARN).with_target("countersign", LevelFilter::INFO)
    });
    let default = wanted.default_level().unwrap_or(LevelFilter::OFF);
    let capped = Targets::new().with_default(default.min(LevelFilter::WARN)).with_target("countersign", default);
    wanted.iter().fold(capped, |capped, (target, level)| {
        capped.with_target(target, if is_ours(target) { level } else { level.min(LevelFilter::WARN) })
    })
}

struct Lines {
    ours: Format<Json>,
}

impl<S> FormatEvent<S, JsonFields> for Lines
where
    S: Subscriber + for<'l> LookupSpan<'l>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let about = event.metadata();
        if is_ours(about.target()) {
            return self.ours.format_event(context, writer, event);
        }
        let line = json!({
            "timestamp": Timestamp::now().to_string(), "level": about.level().as_str(),
            "target": about.target(), "line": about.line(),
        });
        writeln!(writer, "{line}")
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::filter;

    #[test]
    fn no_directive_raises_a_library_above_warn() {
        let foreign = [
            "hyper::proto::h1::io",
            "aws_smithy_runtime::client",
            "h2",
            "rustls",
            "axum",
            "log",
            "counter",
            "countersigned",
        ];
        for wanted in [
            "trace",
            "hyper=trace,aws_smithy_runtime::client=debug,h2=info,rustls=trace,axum=trace,log=trace",
            "c=trace,hy=trace,trace,counter=trace,countersigned=trace",
        ] {
            let filter = filter(Some(wanted));
            for target in foreign {
                for level in [Level::INFO, Level::DEBUG, Level::TRACE] {
                    let is_on = filter.would_enable(target, &level);
                    // A prefix of ours is not a crate of ours: `Lines` leaves out its words.
                    assert!(!is_on || target == "countersigned", "{wanted}: {target} at {level}");
                }
            }
        }
    }

    #[test]
    fn our_own_targets_are_as_loud_as_is_wanted() {
        let on = |wanted: Option<&str>, target, level| filter(wanted).would_enable(target, &level);
        for target in ["countersign", "countersign_core::http", "countersign_track"] {
            assert!(on(None, target, Level::INFO) && !on(None, target, Level::DEBUG));
            assert!(on(Some("trace"), target, Level::TRACE));
            assert!(on(Some("c=error,debug"), target, Level::DEBUG));
            assert!(!on(Some("off"), target, Level::ERROR));
            assert!(!on(Some("error"), target, Level::WARN));
            assert!(on(Some("no directive=="), target, Level::INFO), "what cannot be read is as if nothing were said");
        }
        assert!(on(Some("warn,countersign_track=debug"), "countersign_track", Level::DEBUG));
        assert!(!on(Some("warn,countersign_track=debug"), "countersign_core", Level::INFO));
        assert!(on(None, "hyper", Level::WARN) && !on(None, "hyper", Level::INFO));
        assert!(!on(Some("countersign=info"), "hyper", Level::ERROR));
    }
}

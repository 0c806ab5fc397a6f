//! What the person reads, or the program.

use std::io::{IsTerminal as _, Write as _};

use serde_json::Value;

use crate::trouble::{Trouble, Why};

/// Text for people, or a line of JSON for each thing.
pub struct Screen {
    pub is_json: bool,
    has_bold: bool,
}

impl Screen {
    pub fn new(is_json: bool) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        // <https://no-color.org>
        let may = std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        Self { is_json, has_bold: is_terminal && may && !is_json }
    }

    fn print(text: &str) -> Result<(), Trouble> {
        let mut out = std::io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        // A reader that has had enough (`| head -1`) is no reason to panic.
        written.map_err(|error| Trouble::because(Why::NoReader, format!("cannot print: {error}")))
    }

    /// Shows one thing.
    pub fn show(&self, value: &Value, plainly: &str) -> Result<(), Trouble> {
        if self.is_json { Self::print(&format!("{value}\n")) } else { Self::print(&format!("{plainly}\n")) }
    }

    /// Asks; a program knows what to write.
    pub fn ask(&self, question: &str) -> Result<(), Trouble> {
        if self.is_json { Ok(()) } else { Self::print(question) }
    }

    /// Says something that is no result: to people only.
    pub fn say(&self, line: &str) -> Result<(), Trouble> {
        if self.is_json { Ok(()) } else { Self::print(&format!("{line}\n")) }
    }

    pub fn bold(&self, text: &str) -> String {
        if self.has_bold { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// One line of `Name  value`.
pub fn row(name: &str, value: &str) -> String {
    format!("  {name:<12}{value}\n")
}

/// A text of somebody else, so that it can neither move the cursor nor turn the reading direction, nor fill the screen.
pub fn harmless(text: &str) -> String {
    const LONGEST: usize = 160;
    let is_bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let mut shown: String = text.chars().take(LONGEST).map(|c| if is_bad(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().count() > LONGEST {
        shown.push('…');
    }
    shown
}

fn value(value: &Value) -> String {
    harmless(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// Who asks, and for what; `now` in Unix seconds.
pub fn question(screen: &Screen, shown: &Value, now: u64) -> String {
    let mut text = format!("\n{}\n", screen.bold("Is it you?"));
    let mut add = |name: &str, value: String| text.push_str(&row(name, &value));
    let facts = &shown["facts"];
    if facts["what"].is_string() {
        add("Action", value(&facts["what"]));
    }
    for fact in facts["rows"].as_array().into_iter().flatten() {
        add(&value(&fact["label"]), value(&fact["value"]));
    }
    for (name, field) in [("Action", "actionCode"), ("Account", "userId"), ("Site", "origin"), ("Place", "place")] {
        let is_said = facts.is_object() && ["actionCode", "userId"].contains(&field);
        if shown[field].is_string() && !is_said {
            add(name, value(&shown[field]));
        }
    }
    if shown["ipAddress"].is_string() {
        add("IP address", value(&shown["ipAddress"]));
    }
    if let Some(agent) = shown["userAgent"].as_str() {
        add("Browser", browser(agent).unwrap_or_else(|| harmless(agent)));
    }
    for points in [&shown["custom"], &shown["user"]["custom"]].into_iter().filter(|_| !facts.is_object()) {
        for (name, point) in points.as_object().into_iter().flatten() {
            add(&harmless(name), value(point));
        }
    }
    if let Some(left) = shown["expiresAt"].as_u64().map(|end| end.saturating_sub(now)) {
        add("Open for", format!("{left} s"));
    }
    text
}

/// `Firefox 145 on Linux`, of a browser that most people have; nothing of any other.
fn browser(agent: &str) -> Option<String> {
    let version = |product: &str| {
        let (_, rest) = agent.split_once(product)?;
        let major: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!major.is_empty()).then_some(major)
    };
    // The order matters: all but the first say that they are those below them too.
    let browsers = [
        ("Firefox", "Firefox/"),
        ("Edge", "Edg/"),
        ("Opera", "OPR/"),
        ("Samsung Internet", "SamsungBrowser/"),
        ("Chrome", "HeadlessChrome/"),
        ("Chrome", "Chrome/"),
    ];
    let safari = || agent.contains(" Safari/").then(|| version("Version/")).flatten().map(|major| ("Safari", major));
    let known = browsers.into_iter().find_map(|(name, product)| Some((name, version(product)?)));
    let (name, major) = known.or_else(safari)?;
    let systems = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows NT"),
        ("macOS", "Mac OS X"),
        ("ChromeOS", "CrOS"),
        ("Linux", "Linux"),
    ];
    let system = systems.into_iter().find(|(_, mark)| agent.contains(mark))?.0;
    Some(format!("{name} {major} on {system}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_wrote_stays_on_its_line() {
        let shown = json!({"actionCode": "pay", "userAgent": "\u{1b}[2J\r\nIs it you? \u{202e}yes", "custom": {"a\nb": 900},
            "expiresAt": 130, "ipAddress": "x".repeat(500)});
        let screen = Screen { is_json: false, has_bold: false };
        let text = question(&screen, &shown, 100);
        assert_eq!(text.lines().count(), 7, "{text}");
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()) && !text.contains('\u{202e}'), "{text:?}");
        assert!(text.contains("  Open for    30 s\n") && text.contains("  a\u{fffd}b         900\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 180), "{text}");
    }

    #[test]
    fn browsers_are_told_apart() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (agent, said) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0".to_owned(), Some("Firefox 145 on Linux")),
            (format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/143.0.0.0 Safari/537.36 Edg/143.0"), Some("Edge 143 on Windows")),
            (format!("Mozilla/5.0 (X11; Linux x86_64) {webkit} HeadlessChrome/156.0.0.0 Safari/537.36"), Some("Chrome 156 on Linux")),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1".to_owned(), Some("Safari 19 on iPhone")),
            ("curl/8.14".to_owned(), None),
            ("Firefox/ on Linux".to_owned(), None),
        ] {
            assert_eq!(browser(&agent).as_deref(), said, "{agent}");
        }
    }
}

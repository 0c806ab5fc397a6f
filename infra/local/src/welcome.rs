//! What is said when the server starts: where things are, and the keys once.

use std::{
    io::{IsTerminal as _, Write as _},
    path::Path,
};

use countersign_core::operator::Credentials;

use crate::{
    directory::CREDENTIALS,
    embedded::TABLE,
    first_run::{FirstTenant, KeyIs, Place},
};

/// Where a server keeps its data when nothing else is said.
pub const DATA: &str = ".countersign";

/// Says it on standard output. Nobody has to read it: a closed pipe is no reason to stop.
pub fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Whether the reader is a terminal that shows colours (no-color.org).
pub fn in_colour() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// A server that has just started.
pub struct Welcome<'a> {
    pub place: &'a Place,
    pub public_url: &'a str,
    pub tenant: &'a FirstTenant,
    /// Where the demo is, or why there is none.
    pub demo: &'a str,
    /// How this program was called.
    pub program: &'a str,
    pub in_colour: bool,
}

impl Welcome<'_> {
    /// At most 24 lines of 80 columns, as long as the names of this machine are short. The demo's address is the last.
    pub fn text(&self) -> String {
        let Self { place, public_url, tenant, demo, .. } = self;
        let kept = match place {
            Place::Memory => "in memory, and gone when this ends".to_owned(),
            Place::Directory { path, .. } => format!("in {}", path.display()),
        };
        let headline = self.bold(&format!("Countersign is running. Its data is {kept}."));
        let secret = key(place, &tenant.credentials.secret_key, tenant.secret_key, "COUNTERSIGN_SECRET_KEY");
        let management =
            key(place, &tenant.credentials.management_key, tenant.management_key, "COUNTERSIGN_MANAGEMENT_KEY");
        format!(
            "\n  {headline}\n\n  API URL        {public_url}/v1\n  Tenant id      {}\n  Secret key     {secret}\n  \
             Management key {management}\n{}\n  Demo           {}\n\n",
            tenant.credentials.tenant_id,
            self.next(),
            if demo.starts_with("http") { self.bold(demo) } else { (*demo).to_owned() },
        )
    }

    /// What to do next.
    fn next(&self) -> String {
        let Self { place, public_url, tenant, program, .. } = self;
        let call = r#"curl -su "$KEY:" "$API/users/ada/actions/sign-in" --json '{}'"#;
        let readme = "README.md goes on from there. Ctrl-C ends the server.";
        match (place, tenant.secret_key) {
            (Place::Memory, KeyIs::New) => format!(
                "\n  A first call, to paste into another terminal:\n\n    API={public_url}/v1\n    KEY={}\n    {call}\n\n  {readme}\n",
                tenant.credentials.secret_key
            ),
            (Place::Memory, _) => String::new(),
            (Place::Directory { path, .. }, KeyIs::New) => format!(
                "\n  New keys are shown this once; {} keeps them.\n  A first call, to paste into another terminal:\n\n    \
                 eval \"$({program} env{})\"\n    {call}\n\n  {readme}\n",
                path.join(CREDENTIALS).display(),
                at(path),
            ),
            (Place::Directory { path, .. }, _) => {
                format!("\n  For a shell: eval \"$({program} env{})\"\n", at(path))
            }
        }
    }

    fn bold(&self, text: &str) -> String {
        if self.in_colour { format!("\x1b[1;36m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn at(data: &Path) -> String {
    if data == Path::new(DATA) { String::new() } else { format!(" --data {}", quoted(&data.display().to_string())) }
}

/// A key that nobody has seen yet, or where to find it: what is said at each start ends up in a journal.
fn key(place: &Place, key: &str, is: KeyIs, variable: &str) -> String {
    match (is, place) {
        (KeyIs::New, _) => key.to_owned(),
        (KeyIs::Kept, Place::Directory { path, .. }) => format!("kept in {}", path.join(CREDENTIALS).display()),
        (KeyIs::Given | KeyIs::Kept, _) => format!("as {variable} has it"),
    }
}

/// Lines for a shell: where the API is, and the keys.
pub fn environment(public_url: &str, credentials: &Credentials) -> String {
    [
        ("API", format!("{public_url}/v1").as_str()),
        ("TENANT_ID", credentials.tenant_id.as_str()),
        ("KEY", &credentials.secret_key),
        ("MANAGEMENT_KEY", &credentials.management_key),
    ]
    .iter()
    .map(|(name, value)| format!("export {name}={}\n", quoted(value)))
    .collect()
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@%+=[]".contains(&b);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// What a function needs to be told to work on this store; lines for a shell.
pub fn how_to_use_the_store(place: &Place, origin: &str, tenant: &FirstTenant) -> String {
    let keyring = match place {
        Place::Directory { path, .. } => path.join("keyring.json").display().to_string(),
        Place::Memory => String::new(),
    };
    let credentials = &tenant.credentials;
    format!(
        "# tenant {}, secret key {}, management key {}\n\
         export AWS_ENDPOINT_URL_DYNAMODB={origin} AWS_REGION=local AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\n\
         export COUNTERSIGN_TABLE={TABLE} COUNTERSIGN_KEYRING={keyring} COUNTERSIGN_PUBLIC_URL=http://127.0.0.1:9000\n",
        credentials.tenant_id,
        key(place, &credentials.secret_key, tenant.secret_key, "COUNTERSIGN_SECRET_KEY"),
        key(place, &credentials.management_key, tenant.management_key, "COUNTERSIGN_MANAGEMENT_KEY"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(is: KeyIs) -> FirstTenant {
        let credentials = Credentials::choose(None, None, None).unwrap();
        FirstTenant { credentials, secret_key: is, management_key: is }
    }

    fn text(place: &Place, tenant: &FirstTenant, in_colour: bool) -> String {
        let (public_url, demo) = ("http://localhost:3000", "http://localhost:3000/demo");
        Welcome { place, public_url, tenant, demo, program: "target/release/countersign", in_colour }.text()
    }

    fn places() -> [Place; 2] {
        [Place::Memory, Place::Directory { path: DATA.into(), durable: false }]
    }

    #[test]
    fn it_fits_a_small_terminal_and_ends_with_the_demo() {
        for place in places() {
            for is in [KeyIs::New, KeyIs::Given, KeyIs::Kept] {
                let text = text(&place, &tenant(is), false);
                assert!(text.lines().count() <= 23, "one line is the prompt's: {text}");
                assert!(text.lines().all(|line| line.chars().count() < 80), "{text}");
                assert!(text.ends_with("/demo\n\n") && !text.contains('\x1b'), "{text}");
            }
        }
    }

    #[test]
    fn colours_change_nothing_else() {
        let tenant = tenant(KeyIs::New);
        let place = &places()[1];
        let coloured = text(place, &tenant, true);
        assert!(coloured.contains("\x1b[1;36mhttp://localhost:3000/demo\x1b[0m"));
        assert_eq!(coloured.replace("\x1b[1;36m", "").replace("\x1b[0m", ""), text(place, &tenant, false));
    }

    #[test]
    fn a_key_is_shown_where_it_is_new() {
        for place in places() {
            for (is, is_shown) in [(KeyIs::New, true), (KeyIs::Given, false), (KeyIs::Kept, false)] {
                let tenant = tenant(is);
                let said = text(&place, &tenant, false) + &how_to_use_the_store(&place, "http://127.0.0.1:1", &tenant);
                for key in [&tenant.credentials.secret_key, &tenant.credentials.management_key] {
                    assert_eq!(said.contains(key.as_str()), is_shown, "{said}");
                }
            }
        }
    }

    #[test]
    fn a_shell_reads_what_it_is_given() {
        assert_eq!(quoted("cs_secret_a1"), "cs_secret_a1");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}

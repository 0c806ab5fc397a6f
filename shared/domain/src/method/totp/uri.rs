//! The `otpauth` URI, which apps read off a picture.

use totp_rs::Builder;
use zeroize::Zeroizing;

use super::TotpSecret;
use crate::error::Error;

/// What a QR code of version 7 holds, 45 squares a side, at the least error correction (ISO/IEC 18004, table 7).
const LARGEST: usize = 154;

/// A text that takes at most so many bytes once it is percent-encoded, cut between characters.
fn within(text: &str, most: usize) -> String {
    let cost = |c: char| if c.is_ascii_alphanumeric() || "-._~".contains(c) { 1 } else { 3 * c.len_utf8() };
    if text.chars().map(cost).sum::<usize>() <= most {
        return text.to_owned();
    }
    // The mark that something is missing takes nine.
    let fits = |left: &mut usize, c: char| {
        *left = left.checked_sub(cost(c))?;
        Some(c)
    };
    let cut: String = text.chars().scan(most.saturating_sub(9), fits).collect();
    format!("{}…", cut.trim_end())
}

impl TotpSecret {
    /// The `otpauth` URI that authenticator apps read from a QR code (Google's key URI format).
    ///
    /// Colons part issuer from account in the label, so neither may hold one: they are replaced by spaces. Long names are
    /// cut, and where the picture of the URI would still have more than 45 squares a side, which a cheap camera does not
    /// read, the label names the account alone: apps take the issuer from its parameter.
    pub fn uri(&self, issuer: &str, account: &str) -> Result<Zeroizing<String>, Error> {
        let clean = |text: &str, otherwise: &str| {
            let text = within(text.replace(':', " ").trim(), 96);
            if text.is_empty() { otherwise.to_owned() } else { text }
        };
        let uri = Builder::new()
            .with_algorithm(self.0.algorithm())
            .with_digits(self.0.digits())
            .with_step_duration(self.0.step())
            .with_secret(self.0.secret().clone())
            .with_issuer(Some(clean(issuer, "Countersign")))
            .with_account_name(clean(account, "account"))
            .build_noncompliant()
            .to_url()
            .map(Zeroizing::new)
            .map_err(|_| Error::internal("the otpauth URI cannot be made"))?;
        let label = uri.split_once(':').and_then(|(_, rest)| rest.split_once(':'));
        let short = label.filter(|_| uri.len() > LARGEST).map(|(_, account)| ["otpauth://totp/", account].concat());
        Ok(short.map_or(uri, Zeroizing::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The picture of an ordinary name is small, and that of any name can be made.
    #[test]
    fn a_uri_is_short_enough_to_be_scanned() {
        let secret = TotpSecret::generate().unwrap();
        let uri = |issuer: &str, account: &str| secret.uri(issuer, account).unwrap();
        for (issuer, account) in [
            ("Acme", "ada@example.com"),
            ("Sparkasse Musterstadt", "ada.lovelace@mail.example.com"),
            ("Acme Bank of the North and West", "ada.lovelace@international.example"),
        ] {
            let uri = uri(issuer, account);
            assert!(uri.len() <= LARGEST, "{} bytes: {}", uri.len(), *uri);
        }
        let long = uri(&"\u{1f469}\u{200d}\u{1f680}".repeat(20), &"\u{1f4b3}".repeat(255));
        assert!(long.len() <= 321, "{} bytes", long.len());
        assert!(TotpSecret::from_uri(&long).is_ok());
    }

    #[test]
    fn a_uri_names_issuer_and_account() {
        let secret = TotpSecret::from_uri("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        let uri = secret.uri("Acme: Bank", "ada@example.com").unwrap();
        assert!(
            uri.starts_with("otpauth://totp/Acme%20%20Bank:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
            "{uri:?}"
        );
        assert!(uri.contains("issuer=Acme%20%20Bank"));
    }
}

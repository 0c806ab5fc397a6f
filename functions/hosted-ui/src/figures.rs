//! What is scanned, read or typed off a page, in the form in which that is easiest.

use countersign_core::{error::Error, method::device::DevicePlatform};
use fast_qr::{
    ECL,
    convert::{Builder, Shape, svg::SvgBuilder},
    qr::QRBuilder,
};

/// The text as an SVG that uses no style of its own, so that the content policy can forbid them.
pub(crate) fn qr(text: &str, correction: ECL) -> Result<String, Error> {
    let code =
        QRBuilder::new(text).ecl(correction).build().map_err(|_| Error::internal("the QR code cannot be made"))?;
    Ok(SvgBuilder::default().shape(Shape::Square).to_str(&code))
}

/// `ABCDEFGH` as `ABCD EFGH`: easier to type, and apps ignore the spaces.
pub(crate) fn in_groups(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// `123456` as `123 456`.
pub(crate) fn in_two(digits: &str) -> String {
    match digits.split_at_checked(3) {
        Some((first, second)) => format!("{first} {second}"),
        None => digits.to_owned(),
    }
}

/// What the maker of the device calls its system.
pub(crate) fn platform(platform: DevicePlatform) -> &'static str {
    match platform {
        DevicePlatform::Ios => "iOS",
        DevicePlatform::Android => "Android",
        DevicePlatform::Web => "Web",
    }
}

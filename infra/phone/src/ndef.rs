//! What an NFC tag says (NFC Forum: NDEF 1.0, section 3; URI RTD 1.0, section 3.2).

/// Takes so many bytes off the front.
fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// The address in the first record of the well-known type URI; nothing where this is no such message.
pub fn uri_of(mut message: &[u8]) -> Option<String> {
    const LAST: u8 = 0x40;
    const CHUNKED: u8 = 0x20;
    const SHORT: u8 = 0x10;
    const HAS_ID: u8 = 0x08;
    const WELL_KNOWN: u8 = 1;
    if message.first()? & 0x80 == 0 {
        return None; // Every message begins with the flag that it does.
    }
    loop {
        let header = take(&mut message, 1)?[0];
        let length_of_type = usize::from(take(&mut message, 1)?[0]);
        let length = match header & SHORT {
            0 => usize::try_from(u32::from_be_bytes(take(&mut message, 4)?.try_into().ok()?)).ok()?,
            _ => usize::from(take(&mut message, 1)?[0]),
        };
        let length_of_id = if header & HAS_ID == 0 { 0 } else { usize::from(take(&mut message, 1)?[0]) };
        let kind = take(&mut message, length_of_type)?;
        take(&mut message, length_of_id)?;
        let payload = take(&mut message, length)?;
        if header & 0x07 == WELL_KNOWN && kind == b"U" && header & CHUNKED == 0 {
            return uri(payload);
        }
        if header & LAST != 0 {
            return None;
        }
    }
}

/// The abbreviations for web addresses; the others stand for nothing that a phone is shown.
fn uri(payload: &[u8]) -> Option<String> {
    let (first, rest) = payload.split_first()?;
    let begins = ["", "http://www.", "https://www.", "http://", "https://"].get(usize::from(*first))?;
    Some(format!("{begins}{}", std::str::from_utf8(rest).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_wherever_its_record_stands_and_a_torn_one_is_none() {
        let record = b"\xd1\x01\x06U\x00tel:1";
        assert_eq!(uri_of(record).as_deref(), Some("tel:1"));
        assert_eq!(uri_of(b"\xd1\x01\x04U\x04a.b").as_deref(), Some("https://a.b"));
        // Long form, with an id; behind a record of text.
        let second = b"\x91\x01\x03T\x02en\x49\x01\x00\x00\x00\x06\x02Uid\x00tel:1";
        assert_eq!(uri_of(second).as_deref(), Some("tel:1"));
        for message in [&record[..], second] {
            for length in 0..message.len() {
                assert_eq!(uri_of(&message[..length]), None, "{length} bytes");
            }
        }
        for wrong in
            [&b"otpauth://totp/a"[..], b"\xd1\x01\x01U\x20", b"\xf1\x01\x06U\x00tel:1", b"\xd1\x01\x02U\x00\xff"]
        {
            assert_eq!(uri_of(wrong), None, "{wrong:?}");
        }
    }
}

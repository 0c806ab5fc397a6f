//! NDEF, the form of what an NFC tag says.

/// A message of one record of the well-known type URI (NFC Forum: NDEF 1.0, section 3.2; URI RTD 1.0, section 3.2).
/// The address has at most 254 bytes.
pub fn uri_message(uri: &str) -> Vec<u8> {
    // First and last record of the message, short, of a well-known type.
    const HEADER: u8 = 0b1101_0001;
    // No abbreviation stands before the address.
    const AS_IT_IS: u8 = 0x00;
    let length = u8::try_from(uri.len() + 1).unwrap_or(u8::MAX);
    let mut message = vec![HEADER, 1, length, b'U', AS_IT_IS];
    message.extend_from_slice(&uri.as_bytes()[..usize::from(length) - 1]);
    message
}

#[cfg(test)]
mod tests {
    use super::uri_message;

    #[test]
    fn a_record_is_the_one_of_the_specification() {
        assert_eq!(uri_message("tel:1"), [0xd1, 0x01, 0x06, 0x55, 0x00, b't', b'e', b'l', b':', b'1']);
    }
}

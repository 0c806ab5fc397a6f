//! A strict reader of the CBOR that authenticators write: CTAP2 canonical form (CTAP 2.1, section 8).
//!
//! It refuses whatever could be read in two ways: lengths that are not the shortest, indefinite lengths, tags, a name twice,
//! nesting that is deep. It does not ask for the order of names: some authenticators write another, and it carries no
//! meaning. Nothing is copied, and nothing is reserved by a length that the sender claims.

/// One value; texts and bytes are parts of what was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Value<'a>>),
    Map(Vec<(Value<'a>, Value<'a>)>),
    Bool(bool),
    Null,
    /// A number that nothing here reads.
    Float,
}

/// Why it is not such CBOR.
pub type Fault = &'static str;

/// CTAP 2.1, section 8, allows four levels; the statement of `compound` holds others and has more (WebAuthn, 8.9).
const DEPTH: usize = 8;
/// Names in one map: an attestation object has three, a key five, and comparing all pairs stays cheap.
const NAMES: u64 = 32;

/// Reads one value, and says how many bytes it took: after a key in authenticator data others may follow.
pub fn read(bytes: &[u8]) -> Result<(Value<'_>, usize), Fault> {
    let mut reader = Reader { bytes, at: 0 };
    let value = reader.value(DEPTH)?;
    Ok((value, reader.at))
}

/// Reads one value that is all there is.
pub fn read_all(bytes: &[u8]) -> Result<Value<'_>, Fault> {
    match read(bytes)? {
        (value, taken) if taken == bytes.len() => Ok(value),
        _ => Err("there are bytes after its end"),
    }
}

impl<'a> Value<'a> {
    /// What stands in a map under that name.
    pub fn get(&self, name: &Value<'_>) -> Option<&Value<'a>> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub fn text(&self) -> Option<&'a str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub fn bytes(&self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub fn integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }

    /// How many names a map has.
    pub fn names(&self) -> Option<usize> {
        if let Self::Map(entries) = self { Some(entries.len()) } else { None }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], Fault> {
        let length = usize::try_from(length).map_err(|_| "it is cut off")?;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..length).ok_or("it is cut off")?;
        self.at += length;
        Ok(taken)
    }

    /// The major type and the rest of the first byte (RFC 8949, section 3).
    fn initial(&mut self) -> Result<(u8, u8), Fault> {
        let initial = self.take(1)?.first().copied().ok_or("it is cut off")?;
        Ok((initial >> 5, initial & 0x1f))
    }

    fn unsigned(&mut self, bytes: u64) -> Result<u64, Fault> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The number after a first byte, in the shortest spelling alone.
    fn argument(&mut self, rest: u8) -> Result<u64, Fault> {
        let (number, least) = match rest {
            0..=23 => return Ok(u64::from(rest)),
            24 => (self.unsigned(1)?, 24),
            25 => (self.unsigned(2)?, 1 << 8),
            26 => (self.unsigned(4)?, 1 << 16),
            27 => (self.unsigned(8)?, 1 << 32),
            31 => return Err("a length is indefinite"),
            _ => return Err("a length is reserved"),
        };
        if number < least { Err("a number is not in its shortest form") } else { Ok(number) }
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, Fault> {
        let depth = depth.checked_sub(1).ok_or("it is nested too deep")?;
        let (major, rest) = self.initial()?;
        if major == 7 {
            return self.simple(rest);
        }
        let number = self.argument(rest)?;
        let small = || i64::try_from(number).map_err(|_| "a number is too large");
        match major {
            0 => Ok(Value::Integer(small()?)),
            1 => Ok(Value::Integer(-1 - small()?)),
            2 => Ok(Value::Bytes(self.take(number)?)),
            3 => std::str::from_utf8(self.take(number)?).map(Value::Text).map_err(|_| "a text is not UTF-8"),
            4 => (0..number).map(|_| self.value(depth)).collect::<Result<_, _>>().map(Value::Array),
            5 => self.map(number, depth),
            _ => Err("it has tags"),
        }
    }

    fn map(&mut self, names: u64, depth: usize) -> Result<Value<'a>, Fault> {
        if names > NAMES {
            return Err("a map has too many names");
        }
        let mut entries = Vec::new();
        for _ in 0..names {
            let name = self.value(depth)?;
            if !matches!(name, Value::Integer(_) | Value::Text(_)) {
                return Err("a name is neither a number nor a text");
            }
            if entries.iter().any(|(known, _)| *known == name) {
                return Err("a name is there twice");
            }
            entries.push((name, self.value(depth)?));
        }
        Ok(Value::Map(entries))
    }

    fn simple(&mut self, rest: u8) -> Result<Value<'a>, Fault> {
        let float = |reader: &mut Self, bytes| reader.take(bytes).map(|_| Value::Float);
        match rest {
            20 => Ok(Value::Bool(false)),
            21 => Ok(Value::Bool(true)),
            22 => Ok(Value::Null),
            25 => float(self, 2),
            26 => float(self, 4),
            27 => float(self, 8),
            _ => Err("it has a simple value that is not known"),
        }
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;

    fn fault(hex: &str) -> &'static str {
        read_all(&HEXLOWER.decode(hex.as_bytes()).unwrap()).unwrap_err()
    }

    #[test]
    fn each_fault_has_its_words() {
        for (hex, words) in [
            ("", "it is cut off"),
            ("18", "it is cut off"),
            ("4201", "it is cut off"),
            ("5bffffffffffffffff", "it is cut off"),
            ("9bffffffffffffffff", "it is cut off"),
            ("0000", "there are bytes after its end"),
            ("1817", "a number is not in its shortest form"),
            ("1900ff", "a number is not in its shortest form"),
            ("1a0000ffff", "a number is not in its shortest form"),
            ("1b00000000ffffffff", "a number is not in its shortest form"),
            ("580101", "a number is not in its shortest form"),
            ("1bffffffffffffffff", "a number is too large"),
            ("3bffffffffffffffff", "a number is too large"),
            ("5f4101ff", "a length is indefinite"),
            ("bf0101ff", "a length is indefinite"),
            ("1c", "a length is reserved"),
            ("c000", "it has tags"),
            ("61ff", "a text is not UTF-8"),
            ("a201000100", "a name is there twice"),
            ("a2616100616100", "a name is there twice"),
            ("a1410000", "a name is neither a number nor a text"),
            ("b82100", "a map has too many names"),
            ("818181818181818100", "it is nested too deep"),
            ("f7", "it has a simple value that is not known"),
            ("f818", "it has a simple value that is not known"),
            ("ff", "it has a simple value that is not known"),
        ] {
            assert_eq!(fault(hex), words, "{hex}");
        }
    }

    #[test]
    fn values_are_read_and_the_order_of_names_is_free() {
        let read = |hex: &str| format!("{:?}", read_all(&HEXLOWER.decode(hex.as_bytes()).unwrap()).unwrap());
        assert_eq!(read("a220f51863fa00000000"), "Map([(Integer(-1), Bool(true)), (Integer(99), Float)])");
        assert_eq!(read("a21863f420f6"), "Map([(Integer(99), Bool(false)), (Integer(-1), Null)])");
        assert_eq!(read("8261614101"), "Array([Text(\"a\"), Bytes([1])])");
        assert_eq!(read("3b7fffffffffffffff"), format!("Integer({})", i64::MIN));
        assert_eq!(
            read("8181818181818100"),
            "Array([Array([Array([Array([Array([Array([Array([Integer(0)])])])])])])])"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        /// T25: any bytes are read or refused, and what is read is no longer than what there was.
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok((_, taken)) = read(&bytes) {
                prop_assert!(taken <= bytes.len());
                prop_assert!(read_all(&bytes[..taken]).is_ok());
                prop_assert!(read_all(&bytes[..taken - 1]).is_err());
            }
        }
    }
}

//! Which encoding the bytes of a text are in, and the text in it.

use encoding_rs::{EUC_KR, WINDOWS_1252};

use super::encoding::Encoding;
use super::error::{DelimitedError, DelimitedWarning};

/// Line of a place in bytes, by line feeds, or carriage returns where there are no line feeds.
fn line_of(before: &[u8]) -> u64 {
    let count = |end: u8| before.iter().filter(|&&byte| byte == end).count() as u64;
    1 + match count(b'\n') {
        0 => count(b'\r'),
        lines => lines,
    }
}

/// The byte order mark, or the pattern of zero bytes, tells UTF-16; `None` is anything else that may be text. `cut`: there is
/// more of the file.
pub(super) fn sniff(bytes: &[u8], cut: bool) -> Result<Option<Encoding>, DelimitedError> {
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Ok(None);
    }
    if bytes.starts_with(b"\xFF\xFE\0\0") || bytes.starts_with(b"\0\0\xFE\xFF") {
        return Err(DelimitedError::NotText { line: 1, reason: "the text is UTF-32".into() });
    }
    if bytes.starts_with(b"\xFF\xFE") {
        return Ok(Some(Encoding::Utf16Le));
    }
    if bytes.starts_with(b"\xFE\xFF") {
        return Ok(Some(Encoding::Utf16Be));
    }
    let Some(zero) = bytes.iter().position(|&byte| byte == 0) else { return Ok(None) };
    let head = &bytes[..bytes.len().min(64 << 10)];
    let (little, big) = (ascii(head, u16::from_le_bytes), ascii(head, u16::from_be_bytes));
    // Separators, digits and line ends are ASCII in every table. Read in the wrong byte order they are rare characters.
    if little > 0.25 && little > 4.0 * big {
        return Ok(Some(Encoding::Utf16Le));
    }
    if big > 0.25 && big > 4.0 * little {
        return Ok(Some(Encoding::Utf16Be));
    }
    let tail = bytes.len() - bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    if zero > 0 && (zero + tail == bytes.len()) {
        // A machine that was switched off leaves zeros at the end of what it wrote.
        return Ok(None);
    }
    let reason = if cut || zero < bytes.len() { "it holds zero bytes" } else { "it is empty" };
    Err(DelimitedError::NotText { line: line_of(&bytes[..zero]), reason: reason.into() })
}

/// Share of printable ASCII and line ends among the characters of UTF-16; 0 where it holds zeros or no line end.
fn ascii(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> f64 {
    let units = bytes.as_chunks::<2>().0;
    let used = units.iter().rposition(|pair| *pair != [0, 0]).map_or(0, |last| last + 1);
    let (mut found, mut ends) = (0usize, 0usize);
    for &pair in &units[..used] {
        match unit(pair) {
            0 => return 0.0,
            10 | 13 => ends += 1,
            9 | 32..=126 => found += 1,
            _ => {}
        }
    }
    if ends == 0 { 0.0 } else { (found + ends) as f64 / used as f64 }
}

/// The text without byte order mark.
pub(super) fn decode(
    mut bytes: Vec<u8>,
    warnings: &mut Vec<DelimitedWarning>,
) -> Result<(String, Encoding), DelimitedError> {
    match sniff(&bytes, false)? {
        Some(Encoding::Utf16Be) => {
            return Ok((utf16(&bytes, Encoding::Utf16Be, u16::from_be_bytes, warnings)?, Encoding::Utf16Be));
        }
        Some(encoding) => return Ok((utf16(&bytes, encoding, u16::from_le_bytes, warnings)?, encoding)),
        None => {}
    }
    let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    if used < bytes.len() {
        warnings.push(DelimitedWarning::ZeroTail { bytes: bytes.len() - used });
        bytes.truncate(used);
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        bytes.drain(..3);
    }
    if let Some(zero) = bytes.iter().position(|&byte| byte == 0) {
        let reason = "it holds a zero byte".into();
        return Err(DelimitedError::NotText { line: line_of(&bytes[..zero]), reason });
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Ok((text, Encoding::Utf8)),
        Err(error) => {
            let wrong = error.utf8_error();
            let mut bytes = error.into_bytes();
            let unicode = bytes[..wrong.valid_up_to()].iter().any(|byte| !byte.is_ascii());
            if wrong.error_len().is_none() && (unicode || bytes.len() > wrong.valid_up_to() + 1) {
                // The only thing wrong is that the last character is not all there.
                bytes.truncate(wrong.valid_up_to());
                if let Ok(text) = String::from_utf8(bytes) {
                    warnings.push(DelimitedWarning::CutCharacter);
                    return Ok((text, Encoding::Utf8));
                }
                return Err(DelimitedError::Empty);
            }
            bytes
        }
    };
    legacy(&bytes, warnings)
}

fn utf16(
    bytes: &[u8],
    encoding: Encoding,
    unit: fn([u8; 2]) -> u16,
    warnings: &mut Vec<DelimitedWarning>,
) -> Result<String, DelimitedError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let used = pairs.iter().rposition(|pair| *pair != [0, 0]).map_or(0, |last| last + 1);
    if used < pairs.len() {
        warnings.push(DelimitedWarning::ZeroTail { bytes: 2 * (pairs.len() - used) });
    }
    let mut text = String::with_capacity(used);
    let mut cut = !rest.is_empty() && used == pairs.len();
    for (at, character) in char::decode_utf16(pairs[..used].iter().map(|&pair| unit(pair))).enumerate() {
        match character {
            Ok('\u{feff}') if at == 0 => {}
            Ok('\0') => {
                let reason = "it holds a zero character".into();
                return Err(DelimitedError::NotText { line: line_of(text.as_bytes()), reason });
            }
            Ok(character) => text.push(character),
            // The second half of the last character is missing.
            Err(half)
                if half.unpaired_surrogate() < 0xDC00
                    && used > 0
                    && unit(pairs[used - 1]) == half.unpaired_surrogate() =>
            {
                cut = true;
            }
            Err(half) => {
                let reason = format!("half a character (0x{:04X})", half.unpaired_surrogate());
                return Err(DelimitedError::Encoding { line: line_of(text.as_bytes()), encoding, reason });
            }
        }
    }
    if cut {
        warnings.push(DelimitedWarning::CutCharacter);
    }
    Ok(text)
}

/// Text of the time before Unicode, which one has to guess. Names stay different from one another whatever is guessed.
fn legacy(bytes: &[u8], warnings: &mut Vec<DelimitedWarning>) -> Result<(String, Encoding), DelimitedError> {
    let wrong = std::str::from_utf8(bytes).err().map_or(0, |error| error.valid_up_to());
    // Text that is UTF-8 up to here was put together from two files, or damaged.
    if let Some(other) = bytes[..wrong].iter().position(|byte| !byte.is_ascii()) {
        let reason = format!(
            "byte 0x{:02X} begins no character, while line {} is UTF-8",
            bytes[wrong],
            line_of(&bytes[..other])
        );
        return Err(DelimitedError::Encoding {
            line: line_of(&bytes[..wrong]),
            encoding: Encoding::Utf8,
            reason,
        });
    }
    let (encoding, text) = match korean(bytes) {
        Some(text) => (Encoding::Cp949, text),
        None => (Encoding::Windows1252, WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()),
    };
    // Bytes 0x81, 0x8D, 0x8F, 0x90 and 0x9D are no characters of Windows-1252, so the text is something else.
    if text.chars().any(|c| ('\u{80}'..='\u{9f}').contains(&c)) {
        let reason = format!("byte 0x{:02X} begins no character", bytes[wrong]);
        return Err(DelimitedError::Encoding {
            line: line_of(&bytes[..wrong]),
            encoding: Encoding::Utf8,
            reason,
        });
    }
    let first = text.char_indices().find(|(_, c)| !c.is_ascii()).map_or(0, |(at, _)| at);
    warnings.push(DelimitedWarning::Legacy {
        encoding,
        line: line_of(&bytes[..wrong]),
        example: example(&text, first),
    });
    Ok((text, encoding))
}

/// The word around a place.
fn example(text: &str, at: usize) -> String {
    const MOST: usize = 24;
    let part = |c: char| c.is_alphanumeric() || !c.is_ascii() || matches!(c, '_' | '-' | '.');
    let start = text[..at].char_indices().rev().take(MOST).take_while(|(_, c)| part(*c)).last();
    let start = start.map_or(at, |(start, _)| start);
    text[start..].chars().take(2 * MOST).take_while(|c| part(*c)).collect()
}

/// The text where all characters beyond ASCII come in pairs of bytes that are mostly Hangul. In Western texts such pairs, two
/// signs such as `Àü` in a row, do not occur throughout.
fn korean(bytes: &[u8]) -> Option<String> {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| !byte.is_ascii()) {
        rest = match rest[at..] {
            [0xA1..=0xFE, 0xA1..=0xFE, ..] => &rest[at + 2..],
            // Syllables beyond the 2350 of EUC-KR have a second byte that may be a letter.
            [0x81..=0xC6, second, ..] if second.is_ascii_alphabetic() || second >= 0x81 => &rest[at + 2..],
            _ => return None,
        };
    }
    let (text, errors) = EUC_KR.decode_without_bom_handling(bytes);
    let (mut all, mut hangul, mut usual) = (0usize, 0usize, 0usize);
    for c in text.chars().filter(|c| !c.is_ascii()) {
        all += 1;
        hangul += usize::from(('가'..='힣').contains(&c));
    }
    // Pairs of two bytes beyond ASCII: an accented letter before a plain one is no such pair.
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| !byte.is_ascii()) {
        usual += usize::from(rest.get(at + 1).is_some_and(|&second| second >= 0xA1));
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    (!errors && 10 * hangul >= 8 * all && 10 * usual >= 8 * all).then(|| text.into_owned())
}

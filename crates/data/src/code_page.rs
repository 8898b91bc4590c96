//! Names in code pages from before UTF-8, as zip archives hold them that were packed on Windows.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, IBM866, SHIFT_JIS, WINDOWS_1251};

/// Decodes names that belong together and are not UTF-8, and says what they were taken for. What nothing fits is CP437, as the zip
/// format has it.
pub(crate) fn old_names(names: &[&[u8]]) -> (&'static str, Vec<String>) {
    let mut distinct: Vec<&[u8]> =
        names.iter().flat_map(|name| name.split(|&byte| byte == b'/' || byte == b'\\')).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    for name in distinct.iter().filter(|name| !name.is_ascii()) {
        detector.feed(name, false);
        detector.feed(b"\n", false);
    }
    detector.feed(b"\n", true);
    let guessed = detector.guess(None, Utf8Detection::Deny);
    let others = [EUC_KR, SHIFT_JIS, GBK, BIG5, EUC_JP];
    // Windows packs Cyrillic names as DOS wrote them.
    let chosen = if guessed == WINDOWS_1251 { IBM866 } else { guessed };
    let usual = chosen == IBM866 || chosen == GB18030 || others.contains(&chosen);
    let encoding = usual.then_some(chosen).or_else(|| east_asian(&distinct));
    let decoded = encoding.and_then(|encoding| {
        let decode = |name: &[u8]| {
            encoding.decode_without_bom_handling_and_without_replacement(name).map(|text| text.into_owned())
        };
        let all: Option<Vec<String>> = names.iter().map(|name| decode(name)).collect();
        Some((called(encoding), all?))
    });
    decoded.unwrap_or_else(|| {
        ("CP437", names.iter().map(|name| name.iter().map(|&byte| cp437(byte)).collect()).collect())
    })
}

/// The East Asian code page in which all names are whole and of its usual letters, where the detector saw none: it wants more text
/// than a name or two.
fn east_asian(names: &[&[u8]]) -> Option<&'static Encoding> {
    let usual = |letter: char, encoding: &'static Encoding| match letter {
        '\u{0}'..='\u{7f}' => true,
        '\u{ac00}'..='\u{d7a3}' => encoding == EUC_KR,
        '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' => encoding == SHIFT_JIS,
        _ => false,
    };
    [EUC_KR, SHIFT_JIS].into_iter().find(|encoding| {
        names.iter().all(|name| {
            let decoded = encoding.decode_without_bom_handling_and_without_replacement(name);
            decoded.is_some_and(|text| text.chars().all(|letter| usual(letter, encoding)))
        })
    })
}

fn called(encoding: &'static Encoding) -> &'static str {
    match encoding.name() {
        "EUC-KR" => "CP949 (Korean)",
        "Shift_JIS" => "Shift-JIS (Japanese)",
        "EUC-JP" => "EUC-JP (Japanese)",
        "GBK" | "gb18030" => "GBK (Chinese)",
        "Big5" => "Big5 (Chinese)",
        "IBM866" => "CP866 (Cyrillic)",
        other => other,
    }
}

/// The upper half of the code page of the first IBM PC.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

fn cp437(byte: u8) -> char {
    match byte {
        0..=0x7F => byte as char,
        _ => CP437.chars().nth(usize::from(byte - 0x80)).unwrap_or('?'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_page_of_names_is_found() {
        assert_eq!(CP437.chars().count(), 128);
        let cases: [(&'static Encoding, &str, &[&str]); 8] = [
            (EUC_KR, "CP949 (Korean)", &["강아지", "고양이"]),
            (EUC_KR, "CP949 (Korean)", &["개/1.jpg", "고양이/2.jpg"]),
            (EUC_KR, "CP949 (Korean)", &["훈련/장미", "훈련/튤립", "시험/장미", "시험/튤립"]),
            (SHIFT_JIS, "Shift-JIS (Japanese)", &["いぬ/写真.jpg", "ねこ/写真.jpg"]),
            (SHIFT_JIS, "Shift-JIS (Japanese)", &["訓練/犬", "訓練/猫", "テスト/犬", "テスト/猫"]),
            (GBK, "GBK (Chinese)", &["训练/狗", "训练/猫", "测试/狗", "测试/猫", "验证/这是一些图片"]),
            (BIG5, "Big5 (Chinese)", &["訓練/小狗的照片", "測試/這是一些貓的照片"]),
            (IBM866, "CP866 (Cyrillic)", &["собака/фото.jpg", "кошка/фото.jpg"]),
        ];
        for (encoding, expected, names) in cases {
            let encoded: Vec<Vec<u8>> = names
                .iter()
                .map(|name| match encoding.name() {
                    "IBM866" => name.chars().map(cp866).collect(),
                    _ => encoding.encode(name).0.into_owned(),
                })
                .collect();
            let bytes: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
            let (found, decoded) = old_names(&bytes);
            assert_eq!(
                (found, decoded),
                (expected, names.iter().map(|&name| name.to_owned()).collect()),
                "{names:?}"
            );
        }
        // Café, as MS-DOS wrote it.
        assert_eq!(old_names(&[b"Caf\x82/1.jpg"]), ("CP437", vec!["Café/1.jpg".to_owned()]));
    }

    fn cp866(letter: char) -> u8 {
        match letter {
            'а'..='п' => 0xA0 + (letter as u32 - 'а' as u32) as u8,
            'р'..='я' => 0xE0 + (letter as u32 - 'р' as u32) as u8,
            _ => letter as u8,
        }
    }
}

//! Names in code pages from before UTF-8, as zip archives hold them that were packed on Windows.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, IBM866, SHIFT_JIS, WINDOWS_1251, WINDOWS_1252,
};

/// Decodes names that belong together and are not all UTF-8, and says what they were taken for: one code page for all of them, so that
/// equal parts of them stay equal. What nothing fits is CP437, as the zip format has it.
pub(crate) fn old_names(names: &[&[u8]]) -> (&'static str, Vec<String>) {
    let mut distinct: Vec<&[u8]> =
        names.iter().flat_map(|name| name.split(|&byte| byte == b'/' || byte == b'\\')).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let western = western(&distinct);
    if western.is_plain {
        return (western.called(), names.iter().map(|name| western.decode(name)).collect());
    }
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
    let usual = chosen == IBM866
        || chosen == GB18030
        || others.contains(&chosen) && (chosen != EUC_KR || of_usual_pairs(&distinct));
    let encoding = usual.then_some(chosen).or_else(|| east_asian(&distinct));
    let decoded = encoding.and_then(|encoding| {
        let decode = |name: &[u8]| {
            encoding.decode_without_bom_handling_and_without_replacement(name).map(|text| text.into_owned())
        };
        let all: Option<Vec<String>> = names.iter().map(|name| decode(name)).collect();
        Some((called(encoding), all?))
    });
    decoded.unwrap_or_else(|| (western.called(), names.iter().map(|name| western.decode(name)).collect()))
}

/// Whether nearly all bytes beyond ASCII stand in pairs of two such: Korean has letters whose second byte is a Latin letter, but next
/// to nobody uses them.
fn of_usual_pairs(names: &[&[u8]]) -> bool {
    let (mut all, mut usual) = (0usize, 0usize);
    for mut rest in names.iter().copied() {
        while let Some(at) = rest.iter().position(|byte| !byte.is_ascii()) {
            all += 1;
            usual += usize::from(rest[at] >= 0xA1 && rest.get(at + 1).is_some_and(|&second| second >= 0xA1));
            rest = rest.get(at + 2..).unwrap_or_default();
        }
    }
    10 * usual >= 8 * all
}

/// A code page of one byte a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Cp437,
    Cp850,
    Windows1252,
}

impl Page {
    fn letter(self, byte: u8) -> char {
        let of = |page: &str| page.chars().nth(usize::from(byte.wrapping_sub(0x80))).unwrap_or('?');
        match self {
            _ if byte.is_ascii() => char::from(byte),
            Self::Cp437 => of(CP437),
            Self::Cp850 => of(CP850),
            Self::Windows1252 => {
                WINDOWS_1252.decode_without_bom_handling(&[byte]).0.chars().next().unwrap_or('?')
            }
        }
    }
}

/// What Western European names would be.
struct WesternReading {
    page: Page,
    /// Such they are: single letters with accents in words that are otherwise ASCII.
    is_plain: bool,
}

impl WesternReading {
    fn called(&self) -> &'static str {
        match self.page {
            Page::Cp437 => "CP437",
            Page::Cp850 => "CP850 (Western European)",
            Page::Windows1252 => "Windows-1252 (Western European)",
        }
    }

    fn decode(&self, name: &[u8]) -> String {
        name.iter().map(|&byte| self.page.letter(byte)).collect()
    }
}

/// The Western European code page in which most bytes are letters that fit their neighbours. East Asian names have at least as many
/// bytes beyond ASCII as others, and mostly even numbers of them in a row.
fn western(names: &[&[u8]]) -> WesternReading {
    let in_word = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    let words: Vec<&[u8]> = names
        .iter()
        .flat_map(|name| name.split(|byte| !in_word(byte)))
        .filter(|word| !word.is_ascii())
        .collect();
    let fitting = |page: Page| -> usize {
        let fits = |word: &[u8]| {
            let letters: Vec<char> = word.iter().map(|&byte| page.letter(byte)).collect();
            let of_word = |at: usize| {
                let letter = letters[at];
                let is_latin = ('\u{c0}'..='\u{17f}').contains(&letter) && letter.is_alphabetic();
                let after_small = at > 0 && letters[at - 1].is_lowercase();
                is_latin && !(letter.is_uppercase() && after_small)
            };
            (0..word.len()).filter(|&at| !word[at].is_ascii() && of_word(at)).count()
        };
        words.iter().map(|word| fits(word)).sum()
    };
    let pages = [Page::Cp437, Page::Cp850, Page::Windows1252].map(|page| (page, fitting(page)));
    // The first of the best ones.
    let (page, most) =
        pages.into_iter().fold(pages[0], |best, next| if next.1 > best.1 { next } else { best });
    let high: usize = words.iter().map(|word| word.iter().filter(|byte| !byte.is_ascii()).count()).sum();
    let all: usize = words.iter().map(|word| word.len()).sum();
    let runs: Vec<usize> = words
        .iter()
        .flat_map(|word| word.split(u8::is_ascii))
        .map(<[u8]>::len)
        .filter(|&length| length > 0)
        .collect();
    let single = runs.iter().filter(|&&length| length == 1).count();
    let is_plain = high > 0 && most == high && 20 * high < 9 * all && 2 * single >= runs.len();
    WesternReading { page, is_plain }
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
    [EUC_KR, SHIFT_JIS].into_iter().filter(|&encoding| encoding != EUC_KR || of_usual_pairs(names)).find(
        |encoding| {
            names.iter().all(|name| {
                let decoded = encoding.decode_without_bom_handling_and_without_replacement(name);
                decoded.is_some_and(|text| text.chars().all(|letter| usual(letter, encoding)))
            })
        },
    )
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

/// That of Western European MS-DOS.
const CP850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_page_of_names_is_found() {
        assert_eq!((CP437.chars().count(), CP850.chars().count()), (128, 128));
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

    #[test]
    fn western_european_names_are_not_taken_for_east_asian_ones() {
        let western: [(&str, &str, &[&str]); 8] = [
            (CP437, "CP437", &["león/0.jpg", "niño/0.jpg", "pájaro/0.jpg"]),
            (CP437, "CP437", &["Éléphant/0.jpg", "chèvre/0.jpg", "âne/0.jpg"]),
            (CP437, "CP437", &["x/Käfer/0.jpg", "x/Vögel/2.jpg"]),
            (CP437, "CP437", &["ñu/0.jpg", "león/0.jpg"]),
            (CP437, "CP437", &["größe/1.jpg", "Übung/2.jpg"]),
            (CP850, "CP850 (Western European)", &["pão/1.jpg", "maçã/2.jpg", "avião/3.jpg"]),
            (CP850, "CP850 (Western European)", &["bjørn/1.jpg", "høne/2.jpg"]),
            ("", "Windows-1252 (Western European)", &["café/1.jpg", "forêt/2.jpg"]),
        ];
        for (page, expected, names) in western {
            let byte = |letter: char| match page.chars().position(|other| other == letter) {
                _ if letter.is_ascii() => letter as u8,
                Some(place) => 0x80 + place as u8,
                None => letter as u8,
            };
            let encoded: Vec<Vec<u8>> = names.iter().map(|name| name.chars().map(byte).collect()).collect();
            let bytes: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(old_names(&bytes), (expected, names));
        }
        // Katakana have Latin letters for their second bytes; Korean stands beside Latin words.
        for (encoding, expected, names) in [
            (SHIFT_JIS, "Shift-JIS (Japanese)", ["ネコ/photo1.jpg", "イヌ/photo2.jpg"]),
            (EUC_KR, "CP949 (Korean)", ["dogs/강아지.jpg", "cats/고양이.jpg"]),
            (EUC_KR, "CP949 (Korean)", ["책/1.jpg", "책/사진1.jpg"]),
        ] {
            let encoded = names.map(|name| encoding.encode(name).0.into_owned());
            let (found, decoded) = old_names(&[&encoded[0], &encoded[1]]);
            assert_eq!((found, decoded), (expected, names.map(str::to_owned).to_vec()));
        }
    }

    fn cp866(letter: char) -> u8 {
        match letter {
            'а'..='п' => 0xA0 + (letter as u32 - 'а' as u32) as u8,
            'р'..='я' => 0xE0 + (letter as u32 - 'р' as u32) as u8,
            _ => letter as u8,
        }
    }
}

//! Korean particles, whose form depends on how the word before them ends: 은 after a consonant, 는 after a vowel.

/// How the pronunciation of a word ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Vowel,
    /// ㄹ, after which 로 stands as after a vowel.
    L,
    Consonant,
    /// Nobody knows how it is read.
    Unknown,
}

/// A particle with two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Josa {
    /// 은/는: the topic.
    Topic,
    /// 이/가: the subject.
    Subject,
    /// 을/를: the object.
    Object,
    /// 과/와: and, with.
    And,
}

impl Josa {
    /// After a consonant, after a vowel, and where nobody knows.
    fn forms(self) -> [&'static str; 3] {
        match self {
            Self::Topic => ["은", "는", "은(는)"],
            Self::Subject => ["이", "가", "이(가)"],
            Self::Object => ["을", "를", "을(를)"],
            Self::And => ["과", "와", "와(과)"],
        }
    }

    /// The word with its particle. Latin words are taken as Korean writes them down (국립국어원, 외래어 표기법) where their last letter
    /// settles it: *mixup* might be read with either end, so that both forms are given.
    pub(crate) fn after(self, word: &str) -> String {
        let [consonant, vowel, unknown] = self.forms();
        let form = match end(word) {
            End::Consonant | End::L => consonant,
            End::Vowel => vowel,
            End::Unknown => unknown,
        };
        format!("{word}{form}")
    }
}

fn end(word: &str) -> End {
    // What stands in brackets or quotes at the end is not read.
    let word = word.trim_end_matches(|c: char| !c.is_alphanumeric());
    let mut last = word.chars().rev();
    let Some(c) = last.next() else { return End::Unknown };
    match c {
        '가'..='힣' => match (c as u32 - '가' as u32) % 28 {
            0 => End::Vowel,
            8 => End::L,
            _ => End::Consonant,
        },
        // 영, 일, 삼, 육, 칠, 팔; 십, 백 and 천 too.
        '1' | '7' | '8' => End::L,
        '0' | '3' | '6' => End::Consonant,
        '2' | '4' | '5' | '9' => End::Vowel,
        _ => match c.to_ascii_lowercase() {
            'l' => End::L,
            'm' | 'n' => End::Consonant,
            'g' if last.next().is_some_and(|c| c.eq_ignore_ascii_case(&'n')) => End::Consonant,
            'a' | 'i' | 'o' | 'u' | 'y' | 'w' | 'r' | 's' | 'x' | 'z' | 'f' | 'v' | 'd' | 'h' | 'j' => {
                End::Vowel
            }
            // As in crop and trump, cut and augment, none and rotate.
            _ => End::Unknown,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_follow_how_a_word_is_read() {
        let topics = [
            "자르기",
            "뒤집기만",
            "색칠",
            "cutmix",
            "colour",
            "random-crop",
            "none",
            "ResNet-50",
            "v2",
            "몰라)",
        ];
        assert_eq!(
            topics.map(|word| Josa::Topic.after(word)),
            [
                "자르기는",
                "뒤집기만은",
                "색칠은",
                "cutmix는",
                "colour는",
                "random-crop은(는)",
                "none은(는)",
                "ResNet-50은",
                "v2는",
                "몰라)는"
            ]
        );
        assert_eq!(Josa::And.after("channel"), "channel과");
        assert_eq!(Josa::Subject.after("everything"), "everything이");
        assert_eq!([Josa::Object.after("뒤집기"), Josa::Object.after("🐶")], ["뒤집기를", "🐶을(를)"]);
    }
}

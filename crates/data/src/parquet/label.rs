//! Labels as Parquet files hold them.

use parquet::data_type::Decimal;
use parquet::record::Field;

use crate::classes::escaped_bytes;
use crate::columns::{self, ColumnRole};

/// A label as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    Number(i64),
    Name(String),
}

/// Why a value is no label.
pub(super) enum NoLabel {
    /// A number that is not whole.
    Decimal(f64),
    /// A list of several.
    Several(String),
    /// Text that is not UTF-8.
    NotUtf8(Vec<u8>),
    /// A structure of which no part is called a label, or something else again.
    Other(String),
}

impl NoLabel {
    pub(super) fn message(&self, column: &str, group: usize, row: usize) -> String {
        let place = format!("row {row} of row group {group}");
        match self {
            Self::Decimal(number) => format!(
                "has decimal numbers in its column of labels, `{column}` ({place} holds {number}): these are the targets of a \
                 regression, and images are sorted into classes here; write a column of classes, or name another with \
                 data.columns.label"
            ),
            Self::Several(values) => format!(
                "has several classes an image in its column of labels, `{column}` ({place} holds {values}): this is multi-label \
                 data, which cannot be used; every image needs one class"
            ),
            Self::NotUtf8(bytes) => format!(
                "has text that is not UTF-8 in its column of labels, `{column}` ({place} holds {}): write labels in UTF-8, or different \
                 classes could be taken for one",
                escaped_bytes(&bytes[..bytes.len().min(32)])
            ),
            Self::Other(what) => format!(
                "has {what} in its column of labels, `{column}` ({place}); a label is text or a whole number"
            ),
        }
    }
}

/// A value as a label; nothing where none is there.
pub(super) fn label_of(field: &Field) -> Result<Option<Label>, NoLabel> {
    let number = |number: f64| match number {
        // As tables write "no label" in a column of decimal numbers.
        _ if number.is_nan() => Ok(None),
        _ if number.fract() == 0.0 && number.abs() < 1e15 => Ok(Some(Label::Number(number as i64))),
        _ => Err(NoLabel::Decimal(number)),
    };
    let name = |text: String| Ok(Some(Label::Name(text)));
    let whole = |number: i64| Ok(Some(Label::Number(number)));
    match field {
        Field::Null => Ok(None),
        Field::Bool(truth) => name(truth.to_string()),
        Field::Byte(value) => whole((*value).into()),
        Field::Short(value) => whole((*value).into()),
        Field::Int(value) => whole((*value).into()),
        Field::Long(value) => whole(*value),
        Field::UByte(value) => whole((*value).into()),
        Field::UShort(value) => whole((*value).into()),
        Field::UInt(value) => whole((*value).into()),
        // A number that large is no class, and is refused as such later.
        Field::ULong(value) => whole(i64::try_from(*value).unwrap_or(i64::MAX)),
        Field::Float16(value) => number(value.to_f64()),
        Field::Float(value) => number((*value).into()),
        Field::Double(value) => number(*value),
        Field::Decimal(value) => number(decimal(value)),
        Field::Str(text) => name(text.clone()),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => name(text.to_owned()),
            Err(_) => Err(NoLabel::NotUtf8(bytes.data().to_vec())),
        },
        Field::ListInternal(list) => match list.elements() {
            [] => Ok(None),
            [only] => label_of(only),
            several => {
                const SHOWN: usize = 6;
                let mut shown: Vec<String> = several.iter().take(SHOWN).map(ToString::to_string).collect();
                if several.len() > SHOWN {
                    shown.push(format!("… ({} in all)", several.len()));
                }
                Err(NoLabel::Several(format!("[{}]", shown.join(", "))))
            }
        },
        Field::Group(row) => {
            let parts: Vec<(&String, &Field)> = row.get_column_iter().collect();
            let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
            match (parts.as_slice(), columns::find(ColumnRole::Label, &names, |_| true)) {
                ([(_, only)], _) => label_of(only),
                (_, columns::Found::Literal(at) | columns::Found::Synonym(at)) => label_of(parts[at].1),
                _ => Err(NoLabel::Other(format!("structures of {}", columns::list(&names)))),
            }
        }
        Field::MapInternal(_) => Err(NoLabel::Other("maps".into())),
        Field::Date(_)
        | Field::TimeMillis(_)
        | Field::TimeMicros(_)
        | Field::TimestampMillis(_)
        | Field::TimestampMicros(_) => Err(NoLabel::Other("dates or times".into())),
    }
}

pub(super) fn decimal(value: &Decimal) -> f64 {
    // Big-endian, two's complement; of the digits beyond 16 bytes none is a class.
    let bytes = value.data();
    let mut number: i128 = if bytes.first().is_some_and(|&byte| byte >= 0x80) { -1 } else { 0 };
    bytes.iter().for_each(|&byte| number = number << 8 | i128::from(byte));
    number as f64 / 10f64.powi(value.scale())
}

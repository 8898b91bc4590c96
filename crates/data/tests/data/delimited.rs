//! Tables of other programs: whatever encoding, separator and line ends they are written with, the same cells come out.

use std::fmt::Write;

use bakeoff_data::delimited::{
    DecimalSigns, Delimited, DelimitedError, DelimitedWarning, Encoding, MOST_ROW_BYTES,
};
use proptest::prelude::*;

/// Header and rows with their lines.
type Cells = (Vec<String>, Vec<(u64, Vec<String>)>);

fn cells(table: &Delimited) -> Result<Cells, DelimitedError> {
    let rows = table
        .rows()
        .map(|row| row.map(|row| (row.line, row.cells.iter().map(|cell| cell.to_string()).collect())))
        .collect::<Result<_, _>>()?;
    Ok((table.header().to_vec(), rows))
}

fn read(bytes: impl Into<Vec<u8>>) -> Cells {
    let table = Delimited::from_bytes(bytes.into()).unwrap_or_else(|error| panic!("{error}"));
    cells(&table).unwrap()
}

fn refused(bytes: impl Into<Vec<u8>>) -> (Option<u64>, String) {
    let error = match Delimited::from_bytes(bytes.into()) {
        Ok(table) => cells(&table).unwrap_err(),
        Err(error) => error,
    };
    (error.line(), error.to_string())
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

/// How a table is written.
#[derive(Clone, Debug)]
struct Style {
    encoding: usize,
    delimiter: char,
    declared: bool,
    end: &'static str,
    quote_all: bool,
    trailing: bool,
    blank_lines: bool,
    last_end: bool,
}

fn style() -> impl Strategy<Value = Style> {
    let choices = (0..6usize, prop::sample::select(vec![',', ';', '\t', '|']));
    let ends = prop::sample::select(vec!["\n", "\r\n", "\r"]);
    (choices, any::<(bool, bool, bool, bool, bool)>(), ends).prop_map(
        |((encoding, delimiter), flags, end)| {
            let (declared, quote_all, trailing, blank_lines, last_end) = flags;
            Style { encoding, delimiter, declared, end, quote_all, trailing, blank_lines, last_end }
        },
    )
}

impl Style {
    fn row(&self, cells: &[String]) -> String {
        let quoted = |cell: &String| {
            if self.quote_all || cell.contains([',', ';', '\t', '|', '"', '\n', '\r']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.clone()
            }
        };
        let mut row = cells.iter().map(quoted).collect::<Vec<_>>().join(&self.delimiter.to_string());
        if self.trailing {
            row.push(self.delimiter);
        }
        row
    }

    /// The bytes, and the lines on which the rows stand.
    fn write(&self, header: &[String], rows: &[Vec<String>]) -> (Vec<u8>, Vec<u64>) {
        let (mut text, mut line, mut lines) = (String::new(), 1, Vec::new());
        if self.declared {
            write!(text, "sep={}{}", self.delimiter, self.end).unwrap();
            line += 1;
        }
        text += &self.row(header);
        for row in rows {
            for _ in 0..=usize::from(self.blank_lines) {
                text += self.end;
                line += 1;
            }
            lines.push(line);
            let row = self.row(row);
            line += row.matches('\n').count() as u64;
            text += &row;
        }
        if self.last_end {
            text += self.end;
        }
        let marked = format!("\u{feff}{text}");
        let bytes = match self.encoding {
            0 => text.into_bytes(),
            1 => marked.into_bytes(),
            2 => utf16(&text, u16::to_le_bytes),
            3 => utf16(&text, u16::to_be_bytes),
            4 => utf16(&marked, u16::to_le_bytes),
            _ => utf16(&marked, u16::to_be_bytes),
        };
        (bytes, lines)
    }
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "path",
        "label",
        "Val/Acc",
        "klasse ö",
        "이름",
        "a\"b",
        "x, y",
        "epoch;",
        "seed",
    ])
    .prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = String> {
    let words = vec![
        "",
        "0",
        "0,5",
        "0.98",
        "1,234",
        "Café crème",
        "개/001.jpg",
        "a|b",
        "tab\there",
        "say \"hi\"",
        "two\nlines",
        "\"",
        "(1).jpg",
        "NaN",
        "🐕",
    ];
    prop_oneof![prop::sample::select(words).prop_map(str::to_owned), "[a-z0-9_./]{1,12}"]
}

proptest! {
    #[test]
    fn however_a_table_is_written_its_cells_are_read(
        style in style(),
        header in prop::collection::vec(name(), 2..6),
        body in prop::collection::vec((prop::collection::vec(value(), 5), "[a-z]{1,8}"), 1..20),
    ) {
        let rows: Vec<Vec<String>> = body
            .into_iter()
            .map(|(mut cells, first)| {
                cells.truncate(header.len());
                // A row of nothing but blanks is passed over, and no table of ours has one.
                cells[0] = first;
                cells
            })
            .collect();
        let (bytes, lines) = style.write(&header, &rows);
        let table = Delimited::from_bytes(bytes).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let (names, found) = cells(&table).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(names, header);
        let expected: Vec<(u64, Vec<String>)> = lines.into_iter().zip(rows).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(table.format().delimiter, style.delimiter);
        prop_assert!(table.warnings().is_empty(), "{:?}", table.warnings());
    }

    #[test]
    fn numbers_come_out_whatever_their_decimal_sign(
        comma in any::<bool>(),
        quoted in any::<bool>(),
        values in prop::collection::vec((0u32..100_000, 0u32..10_000), 1..20),
    ) {
        // A comma in a cell needs another separator, or quotation marks.
        let (delimiter, mark) = if quoted { (',', "\"") } else { (';', "") };
        let mut text = format!("epoch{delimiter}val_acc\n");
        let mut numbers = Vec::new();
        for (epoch, (whole, fraction)) in values.iter().enumerate() {
            let number = format!("{whole}.{fraction:04}");
            let written = if comma { number.replace('.', ",") } else { number.clone() };
            writeln!(text, "{epoch}{delimiter}{mark}{written}{mark}").unwrap();
            numbers.push(number.parse::<f64>().unwrap());
        }
        let table = Delimited::from_bytes(text.into_bytes()).unwrap();
        let rows: Vec<_> = table.rows().collect::<Result<_, _>>().unwrap();
        let mut signs = DecimalSigns::default();
        rows.iter().for_each(|row| signs.see(1, row.line, row.cell(1)));
        let sign = signs.of(1).unwrap();
        let read: Vec<f64> = rows.iter().map(|row| sign.read(row.cell(1)).unwrap().value).collect();
        prop_assert_eq!(read, numbers);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(table) = Delimited::from_bytes(bytes) {
            table.rows().for_each(drop);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[ab,;\t|\"\r\n=sep\u{e9}\u{ac00}\\-]{0,80}") {
        for bytes in [text.clone().into_bytes(), utf16(&text, u16::to_le_bytes)] {
            if let Ok(table) = Delimited::from_bytes(bytes) {
                table.rows().for_each(drop);
            }
        }
    }
}

fn strings(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|&cell| cell.to_owned()).collect()
}

#[test]
fn the_first_line_of_a_spreadsheet_is_no_header() {
    let expected = (strings(&["path", "label"]), vec![(3, strings(&["a.png", "cat"]))]);
    for text in [
        "sep=;\npath;label\na.png;cat\n",
        "SEP=,\r\npath,label\r\na.png,cat\r\n",
        "\"sep=;\"\npath;label\na.png;cat\n",
        "sep=;,\npath;label\na.png;cat\n",
        "sep=\t\npath\tlabel\na.png\tcat\n",
        "sep=\\t\npath\tlabel\na.png\tcat\n",
        "\u{feff}sep=:\npath:label\na.png:cat\n",
    ] {
        assert_eq!(read(text), expected, "{text:?}");
    }
    // Without a separator, or with a letter, it is a column.
    assert_eq!(read("sep=\n1\n").0, ["sep="]);
    assert_eq!(read("sep=ab\n1\n").0, ["sep=ab"]);
}

#[test]
fn a_first_line_that_the_rows_contradict_is_said() {
    let table = Delimited::from_bytes(b"sep=,\npath;label\na.png;cat\n".to_vec()).unwrap();
    assert_eq!(table.header(), ["path", "label"]);
    let told = table.warnings()[0].to_string();
    assert!(told.contains("says that commas") && told.contains("separated by semicolons"), "{told}");
}

#[test]
fn the_separator_is_the_one_that_header_and_rows_agree_on() {
    for (text, delimiter, columns) in [
        ("a,b;c\n1,2;3\n", ';', 2),
        ("epoch;val_acc, %\n0;0,5\n1;0,6\n", ';', 2),
        ("path,label|kind\na.png,cat\nb.png,dog\n", ',', 2),
        ("image\tlabel, en\tlabel, de, alt\nx, y\ta\tb\n", '\t', 3),
        ("\"a;b\",c\n1,2\n", ',', 2),
        ("only\n1\n", ',', 1),
        ("only\n1;2\n", ',', 1),
        // Numbers with decimal commas in a file of commas: no separator fits, and the rows are as wrong as they are.
        ("epoch,val_acc\n0,0,5\n1,0,6\n", ',', 2),
    ] {
        let table = Delimited::from_bytes(text.into()).unwrap();
        let format = table.format();
        assert_eq!((format.delimiter, table.header().len()), (delimiter, columns), "{text:?}");
    }
}

#[test]
fn separators_at_the_end_of_every_row_open_no_column() {
    let expected = (strings(&["a", "b"]), vec![(2, strings(&["1", "2"])), (3, strings(&["3", "4"]))]);
    for text in ["a,b,\n1,2,\n3,4,\n", "a,b\n1,2,\n3,4,\n", "a,b,,\n1,2,,\n3,4,,\n", "a,b,\n1,2\n3,4\n"] {
        assert_eq!(read(text), expected, "{text:?}");
    }
    // A column with values and no name stays, and so does a cell that only one row has.
    assert_eq!(read("a,\n1,2\n").0, ["a", ""]);
    assert_eq!(read("a,b\n1,2\n3,4,\n").1[1].1.len(), 3);
    // The index of a data frame has no name.
    assert_eq!(read(",a\n0,1\n").0, ["", "a"]);
}

#[test]
fn rows_of_nothing_are_passed_over() {
    let (_, rows) = read("a,b\n\n1,2\n,,\n  \n3,4\n,\n");
    assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), [3, 6]);
}

#[test]
fn text_from_before_unicode_is_read_and_an_example_is_shown() {
    for (bytes, word, encoding) in [
        (&b"path,label\na.png,Caf\xe9 cr\xe8me\n"[..], "Café", Encoding::Windows1252),
        (b"path;label\na.png;Stra\xdfe\n", "Straße", Encoding::Windows1252),
        (b"path;label\na.png;\x8arke\n", "Šrke", Encoding::Windows1252),
        (b"path,label\na.png,cat\xe9", "caté", Encoding::Windows1252),
        (b"path,label\na.png,\xb0\xed\xbe\xe7\xc0\xcc\n", "고양이", Encoding::Cp949),
        // A syllable that EUC-KR lacks.
        (b"path,label\na.png,\x8c\x63\xb9\xe6\xb0\xa2\xc7\xcf\xb4\xd9\n", "똠방각하다", Encoding::Cp949),
    ] {
        let table = Delimited::from_bytes(bytes.to_vec()).unwrap();
        assert_eq!(table.format().encoding, encoding, "{word}");
        let [DelimitedWarning::Legacy { line: 2, example, .. }] = table.warnings() else {
            panic!("{:?}", table.warnings());
        };
        assert_eq!(example, word);
        assert!(cells(&table).unwrap().1[0].1[1].starts_with(word), "{word}");
        assert!(table.warnings()[0].to_string().contains("save the table as UTF-8"));
    }
}

#[test]
fn bytes_that_are_text_in_no_encoding_are_refused_with_their_line() {
    for (bytes, line, words) in [
        (&b"a,b\nCaf\xc3\xa9,1\nCaf\xe9,2\n"[..], 3, "byte 0xE9 begins no character, while line 2 is UTF-8"),
        (b"a,b\nx\x81y,1\n", 2, "byte 0x81 begins no character"),
        (b"a,b\n1\x002,1\n", 2, "zero byte"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 3, "zero bytes"),
        (b"\0\0\0\0\0\0\0\0", 1, "zero bytes"),
        (b"\xff\xfe\0\0a\0\0\0", 1, "UTF-32"),
        (b"", 1, "no header line"),
        (b"\xef\xbb\xbf\n\n", 1, "no header line"),
        (b"sep=;\n", 1, "no header line"),
        (b"a,b\n\"x,1\ny,2\n", 2, "a quotation mark opens a cell here"),
        (b"a,b\n1,2\n\"x\"y,1\n", 3, "a quotation mark opens a cell here"),
        (b"a,b\n1,\"say \\\"hi\\\"\"\n", 2, "is written twice"),
    ] {
        let (place, told) = refused(bytes);
        assert_eq!(place, Some(line), "{told}");
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn rows_after_a_wrong_one_are_read() {
    let table = Delimited::from_bytes(b"a,b\n\"x\"y,1\n3,4\n".to_vec()).unwrap();
    let rows: Vec<_> = table.rows().collect();
    assert!(rows[0].is_err());
    assert_eq!(rows[1].as_ref().map(|row| (row.line, row.cell(1).to_owned())).unwrap(), (3, "4".into()));
    assert_eq!(rows.len(), 2);
}

#[test]
fn what_a_crash_left_at_the_end_is_left_out_and_said() {
    let mut zeros = b"a,b\n1,2\n".to_vec();
    zeros.extend([0; 4000]);
    let mut wide = b"\xff\xfe".to_vec();
    wide.extend(utf16("a,b\n1,2\n", u16::to_le_bytes));
    wide.push(b'3');
    let mut half = b"a,b\n1,2\n".to_vec();
    half.extend(&"\u{ac00}".as_bytes()[..2]);
    for (bytes, words) in [(zeros, "4000 zero bytes"), (wide, "breaks off"), (half, "breaks off")] {
        let table = Delimited::from_bytes(bytes).unwrap();
        assert_eq!(cells(&table).unwrap().1, [(2, strings(&["1", "2"]))]);
        assert!(table.warnings()[0].to_string().contains(words), "{:?}", table.warnings());
    }
    let table = Delimited::from_bytes(b"a,b\n1,2\n3".to_vec()).unwrap();
    let ended: Vec<bool> = table.rows().map(|row| row.unwrap().ended).collect();
    assert_eq!(ended, [true, false]);
}

#[test]
fn a_file_without_line_ends_is_no_table() {
    for text in ["x".repeat(MOST_ROW_BYTES + 10), format!("a,b\n1,\"{}\"", "x".repeat(MOST_ROW_BYTES + 10))] {
        let (_, told) = refused(text);
        assert!(told.contains("longer than 16 MiB"), "{told}");
    }
}

#[test]
fn endless_files_are_refused() {
    #[cfg(target_os = "linux")]
    assert!(matches!(
        Delimited::read(std::path::Path::new("/dev/zero")),
        Err(DelimitedError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidInput
    ));
}

//! Other people's containers: the same few images in all of them, labelled in every type they know.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bakeoff_data::{ColumnConfig, Dataset, SourceConfig, Warning};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
    FloatType, Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::{photograph, tree};

/// The values of a leaf column, with definition and repetition levels where it has them.
struct Values<T: DataType> {
    values: Vec<T::T>,
    definition: Option<Vec<i16>>,
    repetition: Option<Vec<i16>>,
}

enum Column {
    Bool(Values<BoolType>),
    Int32(Values<Int32Type>),
    Int64(Values<Int64Type>),
    Float(Values<FloatType>),
    Double(Values<DoubleType>),
    Bytes(Values<ByteArrayType>),
    Fixed(Values<FixedLenByteArrayType>),
}

fn all<T: DataType>(values: impl IntoIterator<Item = T::T>) -> Values<T> {
    Values { values: values.into_iter().collect(), definition: None, repetition: None }
}

/// Values of an optional column.
fn some<T: DataType>(values: impl IntoIterator<Item = Option<T::T>>) -> Values<T> {
    let values: Vec<Option<T::T>> = values.into_iter().collect();
    let definition = values.iter().map(|value| i16::from(value.is_some())).collect();
    Values { values: values.into_iter().flatten().collect(), definition: Some(definition), repetition: None }
}

/// Values of a list in the usual three levels, `optional group X (LIST) { repeated group list { optional … element } }`.
fn lists<T: DataType>(rows: impl IntoIterator<Item = Vec<T::T>>) -> Values<T> {
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        if row.is_empty() {
            definition.push(1);
            repetition.push(0);
        }
        for (number, value) in row.into_iter().enumerate() {
            values.push(value);
            definition.push(3);
            repetition.push(i16::from(number > 0));
        }
    }
    Values { values, definition: Some(definition), repetition: Some(repetition) }
}

fn text(text: &str) -> ByteArray {
    ByteArray::from(text)
}

fn write_parquet(path: &Path, message: &str, columns: Vec<Column>) {
    let schema = Arc::new(parse_message_type(message).unwrap());
    let file = fs::File::create(path).unwrap();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(file, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for column in columns {
        let mut leaf = group.next_column().unwrap().expect("the schema has as many columns");
        macro_rules! write {
            ($kind:ty, $values:expr) => {{
                let Values { values, definition, repetition } = $values;
                leaf.typed::<$kind>()
                    .write_batch(&values, definition.as_deref(), repetition.as_deref())
                    .unwrap()
            }};
        }
        match column {
            Column::Bool(values) => write!(BoolType, values),
            Column::Int32(values) => write!(Int32Type, values),
            Column::Int64(values) => write!(Int64Type, values),
            Column::Float(values) => write!(FloatType, values),
            Column::Double(values) => write!(DoubleType, values),
            Column::Bytes(values) => write!(ByteArrayType, values),
            Column::Fixed(values) => write!(FixedLenByteArrayType, values),
        };
        leaf.close().unwrap();
    }
    assert!(group.next_column().unwrap().is_none());
    group.close().unwrap();
    writer.close().unwrap();
}

/// So many images.
fn images(count: usize) -> Column {
    Column::Bytes(all(std::iter::repeat_n(ByteArray::from(photograph()), count)))
}

const LIST: &str = "(LIST) { repeated group list { optional";

/// A data set of four images in one Parquet file.
fn labelled(kind: &str, column: Column) -> Result<Dataset, String> {
    parquet_of(&format!("message m {{ required binary image; {kind} }}"), vec![images(4), column])
}

fn parquet_of(message: &str, columns: Vec<Column>) -> Result<Dataset, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.parquet");
    write_parquet(&path, message, columns);
    let dataset = Dataset::open(&SourceConfig::at(&path)).map_err(|error| error.to_string())?;
    for index in 0..dataset.samples().len() {
        dataset.load(index).unwrap();
    }
    Ok(dataset)
}

/// The class of every sample.
pub(crate) fn classes(dataset: &Dataset) -> Vec<&str> {
    dataset.samples().iter().map(|sample| dataset.classes()[sample.label].as_str()).collect()
}

#[test]
fn labels_of_every_type_of_parquet_are_classes_or_named() {
    let names = ["cat", "dog", "cat", "dog"];
    let dictionary = || Column::Bytes(all(names.map(text)));
    for (kind, column, expected) in [
        ("required binary label (UTF8);", dictionary(), &names[..]),
        ("required binary label (ENUM);", dictionary(), &names),
        ("required binary label;", dictionary(), &names),
        ("required int32 label;", Column::Int32(all([10, 9, 10, 9])), &["10", "9", "10", "9"]),
        ("required int32 label (UINT_8);", Column::Int32(all([1, 0, 1, 0])), &["1", "0", "1", "0"]),
        ("required int32 label (INT_8);", Column::Int32(all([1, 0, 1, 0])), &["1", "0", "1", "0"]),
        ("required int64 label;", Column::Int64(all([1, 0, 1, 0])), &["1", "0", "1", "0"]),
        ("required int64 label (UINT_64);", Column::Int64(all([1, 0, 1, 0])), &["1", "0", "1", "0"]),
        (
            "required int32 label (DECIMAL(5, 2));",
            Column::Int32(all([100, 0, 100, 0])),
            &["1", "0", "1", "0"],
        ),
        (
            "required boolean label;",
            Column::Bool(all([true, false, true, false])),
            &["true", "false", "true", "false"],
        ),
        ("required float label;", Column::Float(all([1.0, 0.0, 1.0, 0.0])), &["1", "0", "1", "0"]),
        ("required double label;", Column::Double(all([1.0, 0.0, 1.0, 0.0])), &["1", "0", "1", "0"]),
        (
            "required fixed_len_byte_array(3) label (UTF8);".trim_end_matches(" (UTF8);"),
            Column::Fixed(all(names.map(|name| FixedLenByteArray::from(text(name))))),
            &names,
        ),
        (
            "optional double label;",
            Column::Double(some([Some(1.0), None, Some(f64::NAN), Some(0.0)])),
            &["1", "0"],
        ),
        (
            "optional binary label (UTF8);",
            Column::Bytes(some([Some(text("cat")), None, Some(text("nan")), Some(text("dog"))])),
            &["cat", "dog"],
        ),
        (
            "required binary label (UTF8);",
            Column::Bytes(all(["10", "9", "10", "9"].map(text))),
            &["10", "9", "10", "9"],
        ),
        (
            &format!("optional group label {LIST} int64 element; }} }}"),
            Column::Int64(lists([vec![1], vec![0], vec![], vec![0]])),
            &["1", "0", "0"],
        ),
        (
            &format!("optional group label {LIST} binary element (UTF8); }} }}"),
            Column::Bytes(lists(names.map(|name| vec![text(name)]))),
            &names,
        ),
        ("required group label { required binary name (UTF8); }", dictionary(), &names),
        ("required binary cls (UTF8);", dictionary(), &names),
        ("required binary species (UTF8);", dictionary(), &names),
    ] {
        let kind = if kind.ends_with([';', '}']) { kind.to_owned() } else { format!("{kind};") };
        let dataset = labelled(&kind, column).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(classes(&dataset), expected, "{kind}");
    }
    let numbers =
        labelled("required binary label (UTF8);", Column::Bytes(all(["10", "9", "10", "9"].map(text))))
            .unwrap();
    assert_eq!(numbers.classes(), ["9", "10"]);

    for (kind, column, told) in [
        (
            "required double label;",
            Column::Double(all([0.5, 0.25, 1.0, 2.0])),
            "row 0 of row group 0 holds 0.5): these are the targets of a regression",
        ),
        (
            "required int32 label (DECIMAL(5, 2));",
            Column::Int32(all([150, 0, 100, 0])),
            "holds 1.5): these are the targets of a regression",
        ),
        (
            &format!("optional group labels {LIST} int64 element; }} }}"),
            Column::Int64(lists([vec![1], vec![0, 3], vec![2], vec![0]])),
            "`labels` (row 1 of row group 0 holds [0, 3]): this is multi-label data",
        ),
        ("required int32 label (DATE);", Column::Int32(all([1, 2, 3, 4])), "no column of labels"),
        (
            "required group label { required binary a (UTF8); required binary b (UTF8); }",
            Column::Bytes(all(names.map(text))),
            "",
        ),
        (
            "required binary kind (UTF8);",
            Column::Bytes(all(names.map(text))),
            "no column of labels (\"label\"); its columns: `image`, `kind`",
        ),
    ] {
        if told.is_empty() {
            continue;
        }
        let error = labelled(kind, column).unwrap_err();
        assert!(error.contains(told) && error.contains("train.parquet"), "{kind}: {error}");
    }
}

#[test]
fn text_of_numbers_is_one_class_in_every_spelling_and_columns_of_splits_are_said() {
    let numbers = Column::Bytes(all(["1", "1.0", "cat", "1"].map(text)));
    let dataset = labelled("required binary label (UTF8);", numbers).unwrap();
    assert_eq!(classes(&dataset), ["1", "1", "cat", "1"]);
    let said = |dataset: &Dataset| -> String {
        dataset.warnings().iter().map(|warning| format!("{warning}\n")).collect()
    };
    assert!(said(&dataset).contains("labels 1 and 1.0 are the same number"), "{}", said(&dataset));
    for (column, cells, told) in [
        ("split", ["train", "train", "test", "test"], true),
        ("data_split", ["training_set", "training_set", "test_set", "test_set"], true),
        ("split", ["test"; 4], true),
        ("split", ["train"; 4], false),
        ("set", ["1", "1", "2", "3"], true),
        ("set", ["north", "north", "south", "south"], false),
    ] {
        let dataset = parquet_of(
            &format!("message m {{ required binary image; required int32 label; required binary {column} (UTF8); }}"),
            vec![images(4), Column::Int32(all([0, 1, 0, 1])), Column::Bytes(all(cells.map(text)))],
        )
        .unwrap();
        let expected = format!("column `{column}` of train.parquet was not taken for the split");
        assert_eq!(said(&dataset).contains(&expected), told, "{column} {cells:?}: {}", said(&dataset));
    }
}

#[test]
fn images_of_every_form_of_parquet_are_read() {
    let labels = || Column::Int32(all([0, 1]));
    let fixed = photograph();
    let length = fixed.len();
    for (kind, columns) in [
        ("required binary image;".to_owned(), vec![images(2)]),
        ("required binary img;".to_owned(), vec![images(2)]),
        ("required binary jpg;".to_owned(), vec![images(2)]),
        ("required binary JPEG;".to_owned(), vec![images(2)]),
        ("required binary webp;".to_owned(), vec![images(2)]),
        ("required binary image_bytes;".to_owned(), vec![images(2)]),
        ("required binary img_bytes;".to_owned(), vec![images(2)]),
        ("required binary picture_of_it;".to_owned(), vec![images(2)]),
        ("required group image { required binary bytes; }".to_owned(), vec![images(2)]),
        ("required group photo_7 { required binary bytes; }".to_owned(), vec![images(2)]),
        (
            format!("required fixed_len_byte_array({length}) image;"),
            vec![Column::Fixed(all([0, 1].map(|_| FixedLenByteArray::from(fixed.clone()))))],
        ),
    ] {
        let mut columns = columns;
        columns.push(labels());
        let dataset = parquet_of(&format!("message m {{ {kind} required int32 label; }}"), columns);
        let dataset = dataset.unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(dataset.samples().len(), 2, "{kind}");
        let said = dataset.warnings().iter().any(|warning| matches!(warning, Warning::ColumnTaken { .. }));
        assert_eq!(said, !kind.contains(" image;") && !kind.contains(" image {"), "{kind}");
    }
}

#[test]
fn columns_of_parquet_that_leave_a_choice_are_named_and_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let columns = || vec![images(2), images(2), Column::Int32(all([0, 1])), Column::Int32(all([1, 1]))];
    write_parquet(
        &path,
        "message m { required binary jpg; required binary png; required int32 breed; required int32 species; }",
        columns(),
    );
    let open = |columns: ColumnConfig| {
        Dataset::open(&SourceConfig { columns, ..SourceConfig::at(&path) }).map_err(|error| error.to_string())
    };
    let error = open(ColumnConfig::default()).unwrap_err();
    assert!(error.contains("`jpg`, `png`; say which with data.columns.path"), "{error}");
    let image = ColumnConfig { path: Some("png".into()), ..ColumnConfig::default() };
    let error = open(image.clone()).unwrap_err();
    assert!(error.contains("(breed, species)") && error.contains("data.columns.label"), "{error}");
    let both = ColumnConfig { label: Some("breed".into()), ..image.clone() };
    assert_eq!(open(both).unwrap().classes(), ["0", "1"]);
    let typo = ColumnConfig { label: Some("bred".into()), ..image };
    let error = open(typo).unwrap_err();
    assert!(
        error.contains("has no column `bred`, which data.columns.label names; did you mean `breed`?"),
        "{error}"
    );
}

#[test]
fn paths_in_parquet_are_read_beside_it_or_said_to_be_all_there_is() {
    let image = photograph();
    let folder = tree(&[("img/0.jpg", &image), ("img/1.jpg", &image)]);
    let path = folder.path().join("a.parquet");
    let names = |names: [&str; 2]| Column::Bytes(all(names.map(text)));
    let labels = || Column::Int32(all([0, 1]));
    let open = || Dataset::open(&SourceConfig::at(&path)).map_err(|error| error.to_string());
    for (kind, named) in [
        ("required group image { required binary path (UTF8); }", ["img/0.jpg", "img/1.jpg"]),
        ("required binary image (UTF8);", ["img/0.jpg", "img\\1.jpg"]),
        ("required binary file_name (UTF8);", ["img/0.jpg", "./img/1.jpg"]),
    ] {
        write_parquet(
            &path,
            &format!("message m {{ {kind} required int32 label; }}"),
            vec![names(named), labels()],
        );
        let dataset = open().unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert!(dataset.load(0).is_ok() && dataset.load(1).is_ok(), "{kind}");
    }
    let message = "message m { required group image { optional binary bytes; required binary path (UTF8); } required int32 label; }";
    let nothing = || Column::Bytes(some([None, None]));
    write_parquet(&path, message, vec![nothing(), names(["img/0.jpg", "img/1.jpg"]), labels()]);
    assert!(open().unwrap().load(1).is_ok());
    write_parquet(&path, message, vec![nothing(), names(["photos/a.jpg", "photos/b.jpg"]), labels()]);
    let error = open().unwrap_err();
    assert!(
        error.contains("only paths of images, such as \"photos/a.jpg\", and none of those files is there"),
        "{error}"
    );
    write_parquet(&path, message, vec![nothing(), names(["/home/else/a.jpg", "/home/else/b.jpg"]), labels()]);
    let error = open().unwrap_err();
    assert!(error.contains("\"/home/else/a.jpg\"") && error.contains("is not followed"), "{error}");
}

#[test]
fn rows_of_a_broken_page_are_told_in_the_same_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let columns = vec![images(8), Column::Int32(all([0, 1, 0, 1, 0, 1, 0, 1]))];
    write_parquet(&path, "message m { required binary image; required int32 label; }", columns);
    let whole = fs::read(&path).unwrap();
    let mut broken = 0;
    // Whatever bit of the first page's header is flipped: nothing panics, and what is lost is told once.
    for byte in 4..40 {
        for bit in [0x01u8, 0x10, 0x80] {
            let mut bytes = whole.clone();
            bytes[byte] ^= bit;
            fs::write(&path, bytes).unwrap();
            let Ok(dataset) = Dataset::open(&SourceConfig::at(&path)) else { continue };
            let reasons: std::collections::BTreeSet<String> =
                (0..8).filter_map(|row| Some(dataset.load(row).err()?.to_string())).collect();
            let lost = (0..8).filter(|&row| dataset.load(row).is_err()).count();
            if lost == 8 && !reasons.iter().any(|reason| reason.contains("not an image")) {
                assert_eq!(reasons.len(), 1, "byte {byte}: {reasons:?}");
                broken += 1;
            }
        }
    }
    assert!(broken > 10, "{broken}");
}

#[test]
fn what_is_no_data_set_is_named_for_what_it_is() {
    let image = photograph();
    let folder = tree(&[
        ("model.safetensors", b"x"),
        ("model.safetensors.index.json", b"{}"),
        ("net.pth", b"x"),
        ("study.toml", b"x"),
        ("photos.tar.xz", b"x"),
        ("photos.rar", b"x"),
        ("labels.xlsx", b"x"),
        ("data.arrow", b"x"),
        ("one.jpg", &image),
        ("coco.json", br#"{"images": [], "annotations": []}"#),
    ]);
    for (name, told) in [
        ("model.safetensors", "weights of a network"),
        ("model.safetensors.index.json", "weights of a network"),
        ("net.pth", "model.weights"),
        ("study.toml", "is a study file"),
        ("photos.tar.xz", "unxz"),
        ("photos.rar", "unpack it"),
        ("labels.xlsx", "save its table as CSV"),
        ("data.arrow", "Parquet"),
        ("one.jpg", "a single image"),
        ("coco.json", "annotations"),
    ] {
        let error = Dataset::open(&SourceConfig::at(folder.path().join(name))).unwrap_err().to_string();
        assert!(error.contains(told) && error.contains(name), "{name}: {error}");
    }
}

#[test]
fn labels_of_parquet_that_are_not_utf_8_are_refused_by_row() {
    for kind in ["required binary label;", "required binary label (UTF8);"] {
        let bytes =
            [&b"cat"[..], b"\xb0\xed", b"dog", b"\xb0\xad"].map(|label| ByteArray::from(label.to_vec()));
        let error = labelled(kind, Column::Bytes(all(bytes))).unwrap_err();
        assert!(error.contains("not UTF-8") && error.contains("row 1 of row group 0"), "{error}");
    }
}

//! Other people's tables of images: what they call their columns, how they write paths and labels, and in which encoding.

use std::fmt::Write as _;

use bakeoff_data::{ColumnConfig, Dataset, DeclaredSplit, SourceConfig, SourceKind, Warning};
use proptest::prelude::*;

use crate::{photograph, tree};

/// Opens a table in a folder of `0.jpg` to `3.jpg`, `img/4.jpg` and `img/sub/5.jpg`.
pub(crate) fn table_of(text: impl AsRef<[u8]>) -> Result<Dataset, String> {
    named("list.csv", text, &ColumnConfig::default())
}

fn named(name: &str, text: impl AsRef<[u8]>, columns: &ColumnConfig) -> Result<Dataset, String> {
    let image = photograph();
    let mut files: Vec<(&str, &[u8])> = ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "img/4.jpg", "img/sub/5.jpg"]
        .map(|file| (file, image.as_slice()))
        .into();
    files.push((name, text.as_ref()));
    let folder = tree(&files);
    let config = SourceConfig { columns: columns.clone(), ..SourceConfig::at(folder.path().join(name)) };
    let dataset = Dataset::open(&config).map_err(|error| error.to_string())?;
    for (index, sample) in dataset.samples().iter().enumerate() {
        dataset.load(index).map_err(|error| format!("{}: {error}", sample.id))?;
    }
    Ok(dataset)
}

/// The class of every sample, in the order of the ids.
pub(crate) fn classes(dataset: &Dataset) -> Vec<&str> {
    dataset.samples().iter().map(|sample| dataset.classes()[sample.label].as_str()).collect()
}

pub(crate) fn said(dataset: &Dataset) -> String {
    dataset.warnings().iter().map(|warning| format!("{warning}\n")).collect()
}

#[test]
fn columns_are_known_by_the_names_that_others_give_them_and_that_is_said() {
    for path in [
        "path",
        "Path",
        "file_name",
        "filename",
        "filepath",
        "file",
        "image_path",
        "image",
        "img",
        "Image Name",
        "image_id",
        "id",
    ] {
        for label in [
            "label",
            "labels",
            "class",
            "class_name",
            "category",
            "breed",
            "Species",
            "target",
            "y",
            "cls",
            "anything",
        ] {
            for other in ["", "width"] {
                if label == "anything" && !other.is_empty() {
                    continue;
                }
                let (more, cell) = if other.is_empty() { ("", "") } else { (",width", ",30") };
                let text = format!(
                    "{path},{label}{more}\n0.jpg,cat{cell}\n1.jpg,dog{cell}\n2.jpg,cat{cell}\n3.jpg,dog{cell}\n"
                );
                let dataset = table_of(&text).unwrap_or_else(|error| panic!("{text}{error}"));
                assert_eq!(classes(&dataset), ["cat", "dog", "cat", "dog"], "{text}");
                let told = said(&dataset);
                assert_eq!(
                    told.contains(&format!("`{path}` was taken for the path")),
                    path.to_lowercase() != "path",
                    "{told}"
                );
                assert_eq!(
                    told.contains(&format!("`{label}` was taken for the label")),
                    label != "label",
                    "{told}"
                );
            }
        }
    }
}

#[test]
fn split_columns_are_known_by_other_names_where_their_cells_are_splits() {
    use DeclaredSplit::{Test, Train, Undeclared, Validation};
    for (column, cells, expected) in [
        ("split", ["train", "train", "val", "test"], [Train, Train, Validation, Test]),
        ("set", ["train", "train", "valid", "test"], [Train, Train, Validation, Test]),
        ("Subset", ["Train", "train", "dev", "TEST"], [Train, Train, Validation, Test]),
        ("Data Set", ["training", "train", "validation", "testing"], [Train, Train, Validation, Test]),
        ("usage", ["train", "train", "val", "test"], [Train, Train, Validation, Test]),
        ("is_train", ["1", "True", "0", "false"], [Train, Train, Test, Test]),
        ("is_valid", ["False", "0", "True", "1"], [Train, Train, Validation, Validation]),
        ("set", ["A", "B", "A", "B"], [Undeclared; 4]),
        ("fold", ["0", "1", "2", "3"], [Undeclared; 4]),
    ] {
        let labels = ["cat", "dog", "cat", "dog"];
        let mut text = format!("path,label,{column}\n");
        for (number, (cell, label)) in cells.iter().zip(labels).enumerate() {
            writeln!(text, "{number}.jpg,{label},{cell}").unwrap();
        }
        let dataset = table_of(&text).unwrap_or_else(|error| panic!("{text}{error}"));
        let splits: Vec<DeclaredSplit> = dataset.samples().iter().map(|sample| sample.split).collect();
        assert_eq!(splits, expected, "{text}");
        let told = said(&dataset);
        let taken = column != "split" && expected[0] != Undeclared;
        assert_eq!(told.contains(&format!("`{column}` was taken for the split")), taken, "{told}");
        assert_eq!(told.contains("was not taken for the split"), column == "fold", "{told}");
    }
    // One cell that is no split is no reason to mix what the others keep apart in silence.
    let mostly = "path,label,set\n0.jpg,cat,train\n1.jpg,dog,train\n2.jpg,cat,later\n3.jpg,dog,test\n";
    let told = said(&table_of(mostly).unwrap());
    assert!(told.contains("`set` of list.csv was not taken for the split: line 4 holds \"later\""), "{told}");
    let asked = ColumnConfig { split: Some("set".into()), ..ColumnConfig::default() };
    let error = named("list.csv", mostly, &asked).unwrap_err();
    assert!(error.contains("line 4: split is \"later\""), "{error}");
    let two = "path,label,set,subset\n0.jpg,cat,train,test\n1.jpg,dog,train,test\n";
    let error = table_of(two).unwrap_err();
    assert!(
        error.contains("`set`, `subset` may all be the split") && error.contains("data.columns.split"),
        "{error}"
    );
}

#[test]
fn a_table_whose_columns_leave_a_choice_names_them_and_says_how_to_choose() {
    for (text, told) in [
        ("a,b,c\n1,cat,3\n2,dog,4\n", "data.columns = { path"),
        ("pth,lable,c\n0,cat,3\n1,dog,4\n", "is `pth` the path?"),
        ("path,lable,c\n0.jpg,cat,3\n1.jpg,dog,4\n", "is `lable` the label?"),
        (
            "path,kind,owner\n0.jpg,cat,me\n1.jpg,dog,me\n",
            "which of `kind`, `owner` is the label with data.columns.label",
        ),
        (
            "path,breed,species\n0.jpg,a,cat\n1.jpg,b,dog\n2.jpg,c,dog\n",
            "`breed`, `species` may all be the label",
        ),
        ("path\n0.jpg\n1.jpg\n", "no column of labels"),
        ("before,after,label\n0.jpg,1.jpg,cat\n2.jpg,3.jpg,dog\n", "`before`, `after` hold names of images"),
    ] {
        let error = table_of(text).unwrap_err();
        assert!(error.contains(told) && error.contains("list.csv:\n  line 1: "), "{text}{error}");
    }
    let columns = |path: &str, label: &str| ColumnConfig {
        path: Some(path.into()),
        label: Some(label.into()),
        ..ColumnConfig::default()
    };
    let text = "before,after,kind,owner\n0.jpg,1.jpg,cat,me\n2.jpg,3.jpg,dog,me\n";
    let dataset = named("list.csv", text, &columns("after", "Kind")).unwrap();
    assert_eq!((dataset.samples()[0].id.as_str(), classes(&dataset)), ("1.jpg", vec!["cat", "dog"]));
    let error = named("list.csv", text, &columns("aftr", "kind")).unwrap_err();
    assert!(
        error.contains("no column `aftr`, which data.columns.path names; did you mean `after`?"),
        "{error}"
    );
    // The number and the name of a class are no choice.
    let both = "path,class_name,class\n0.jpg,cat,0\n1.jpg,dog,1\n2.jpg,cat,0\n";
    assert_eq!(classes(&table_of(both).unwrap()), ["cat", "dog", "cat"]);
    // Nor is an id beside the path.
    let id = "id,filename,label\n7,0.jpg,cat\n8,1.jpg,dog\n";
    assert_eq!(classes(&table_of(id).unwrap()), ["cat", "dog"]);
}

#[test]
fn columns_of_ones_are_classes_and_several_ones_in_a_row_are_multi_label() {
    let text = "filename,cat,dog\n0.jpg,1,0\n1.jpg,0,1\n2.jpg,1.0,0.0\n3.jpg,0,1\n";
    let dataset = table_of(text).unwrap();
    assert_eq!(classes(&dataset), ["cat", "dog", "cat", "dog"]);
    assert!(
        said(&dataset).contains("the 2 columns `cat`, `dog` of list.csv were taken for the classes"),
        "{}",
        said(&dataset)
    );
    let error = table_of("filename,cat,dog\n0.jpg,1,0\n1.jpg,1,1\n").unwrap_err();
    assert!(error.contains("line 3 has several of them (`cat`, `dog`): this is multi-label data"), "{error}");
    let few = table_of("filename,cat,dog,fox\n0.jpg,1,0,0\n1.jpg,0,1,0\n2.jpg,0,1,0\n").unwrap();
    assert!(said(&few).contains("`fox` has no 1 in any row, and so is no class"), "{}", said(&few));
    for (text, told) in [
        (
            "filename,blurred,dark\n0.jpg,1,0\n1.jpg,0,0\n2.jpg,0,1\n",
            "1 of 3 rows have no 1 under any of them (line 3 for one)",
        ),
        (
            "filename,blurred,dark,animal\n0.jpg,1,0,cat\n1.jpg,0,1,dog\n2.jpg,0,1,cat\n3.jpg,0,1,dog\n",
            "but `animal` may be the label as well",
        ),
    ] {
        let error = table_of(text).unwrap_err();
        assert!(error.contains(told) && error.contains("`blurred`, `dark`"), "{text}{error}");
        assert!(error.contains("data.columns.label"), "{text}{error}");
    }
    // One row among many without a class is left out.
    let mut text = String::from("filename,cat,dog\n");
    for row in 0..150 {
        let name = ["0.jpg", "1.jpg"][row % 2];
        writeln!(text, "{name},{},{}", 1 - row % 2, row % 2).unwrap();
    }
    let none = table_of(text + "2.jpg,0,0\n").unwrap();
    assert_eq!(classes(&none), ["cat", "dog"]);
    assert!(
        said(&none).contains("1 row has no label and is left out, line 152 (2.jpg) for one"),
        "{}",
        said(&none)
    );
}

#[test]
fn a_column_that_is_named_exactly_is_taken_and_two_of_one_name_are_a_choice() {
    let text = "path,label,Label,PATH\n0.jpg,cat,x,-\n1.jpg,cat,y,-\n2.jpg,dog,x,-\n3.jpg,cat,y,-\n";
    for (label, expected) in [("label", ["cat", "cat", "dog", "cat"]), ("Label", ["x", "y", "x", "y"])] {
        let columns = ColumnConfig { label: Some(label.into()), ..ColumnConfig::default() };
        let dataset = named("list.csv", text, &columns).unwrap();
        assert_eq!(classes(&dataset), expected, "{label}");
    }
    let columns = |label: &str| ColumnConfig { label: Some(label.into()), ..ColumnConfig::default() };
    let alike = named("list.csv", text, &columns("LABEL")).unwrap_err();
    assert!(
        alike.contains(
            "`LABEL`, which data.columns.label names, may mean each of the columns `label`, `Label`"
        ),
        "{alike}"
    );
    for header in ["path,label,Label", "path,label,label", "path,Label,LABEL"] {
        let error = table_of(format!("{header}\n0.jpg,cat,x\n1.jpg,dog,x\n")).unwrap_err();
        let names: Vec<&str> = header.split(',').skip(1).collect();
        assert!(error.contains(&format!("`{}`, `{}` may all be the label", names[0], names[1])), "{error}");
    }
    let twice =
        named("list.csv", "path,label,label\n0.jpg,cat,x\n1.jpg,dog,x\n", &columns("label")).unwrap_err();
    assert!(twice.contains("give them different names"), "{twice}");
}

#[test]
fn splits_are_understood_in_other_words_and_columns_or_said_not_to_be() {
    use DeclaredSplit::{Test, Train, Undeclared};
    let ours = [Train, Train, Test, Test];
    for (column, cells, expected, told) in [
        (
            "set",
            ["training_set", "training_set", "test_set", "test_set"],
            ours,
            "\"test_set\" was taken for test",
        ),
        ("split", ["TrainSet", "train", "Testdaten", "test"], ours, "\"Testdaten\" was taken for test"),
        ("data_split", ["train", "train", "test", "test"], ours, "`data_split` was taken for the split"),
        ("train_test", ["train", "train", "test", "test"], ours, "`train_test` was taken for the split"),
        ("Partition", ["Train", "train", "test", "test"], ours, "`Partition` was taken for the split"),
        ("wofür", ["훈련", "훈련", "테스트", "테스트"], ours, "`wofür` was taken for the split"),
        ("fold", ["train", "train", "test", "test"], ours, "`fold` was taken for the split"),
        (
            "set",
            ["1", "1", "2", "3"],
            [Undeclared; 4],
            "`set` of list.csv was not taken for the split: it holds 1, 2, 3",
        ),
        ("data_split", ["0", "0", "1", "2"], [Undeclared; 4], "it holds 0, 1, 2"),
        (
            "use_for",
            ["train", "train", "test", "later"],
            [Undeclared; 4],
            "line 5 holds \"later\", which is no split",
        ),
    ] {
        let mut text = format!("path,label,{column}\n");
        for (number, cell) in cells.iter().enumerate() {
            writeln!(text, "{number}.jpg,{},{cell}", ["cat", "dog"][number % 2]).unwrap();
        }
        let dataset = table_of(&text).unwrap_or_else(|error| panic!("{text}{error}"));
        let splits: Vec<DeclaredSplit> = dataset.samples().iter().map(|sample| sample.split).collect();
        assert_eq!(splits, expected, "{text}");
        assert!(said(&dataset).contains(told), "{text}{}", said(&dataset));
    }
    // A column of splits is no label.
    let kind = "path,kind,data_split\n0.jpg,cat,train\n1.jpg,dog,train\n2.jpg,cat,test\n3.jpg,dog,test\n";
    assert_eq!(classes(&table_of(kind).unwrap()), ["cat", "dog", "cat", "dog"]);
    // Nor does an ordinary column look like one.
    let other = "path,label,place,age\n0.jpg,cat,inside,1\n1.jpg,dog,outside,2\n";
    assert_eq!(said(&table_of(other).unwrap()), "");
}

#[cfg(unix)]
#[test]
fn a_device_is_no_table() {
    let folder = tree(&[]);
    for name in ["list.csv", "list.jsonl", "list.parquet"] {
        let path = folder.path().join(name);
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let config = SourceConfig { kind: Some(SourceKind::Csv), ..SourceConfig::at(&path) };
        let error = Dataset::open(&config).unwrap_err().to_string();
        assert!(error.contains("is a pipe or a device"), "{error}");
    }
}

#[test]
fn tables_without_a_header_are_read_and_said_to_be() {
    for (name, text) in [
        ("list.csv", "0.jpg,cat\n1.jpg,dog\n2.jpg,cat\n3.jpg,dog\n"),
        ("list.csv", "0.jpg;cat\n1.jpg;dog\n2.jpg;cat\n3.jpg;dog\n"),
        ("list.csv", "cat,0.jpg\ndog,1.jpg\ncat,2.jpg\ndog,3.jpg\n"),
        ("list.tsv", "0.jpg\tcat\n1.jpg\tdog\n2.jpg\tcat\n3.jpg\tdog\n"),
        ("list.txt", "0.jpg cat\n1.jpg dog\n2.jpg cat\n3.jpg dog\n"),
        ("list.txt", "./0.jpg  cat\r\n./1.jpg  dog\r\n./2.jpg  cat\r\n./3.jpg  dog"),
    ] {
        let dataset =
            named(name, text, &ColumnConfig::default()).unwrap_or_else(|error| panic!("{text}{error}"));
        assert_eq!(classes(&dataset), ["cat", "dog", "cat", "dog"], "{text}");
        assert!(said(&dataset).contains(&format!("{name} has no header: its ")), "{}", said(&dataset));
    }
    let caffe =
        named("train.txt", "img/4.jpg 0\nimg/sub/5.jpg 10\n3.jpg 9\n", &ColumnConfig::default()).unwrap();
    assert_eq!(caffe.classes(), ["0", "9", "10"]);
    let header = named("list.txt", "path label\n0.jpg cat\n1.jpg dog\n", &ColumnConfig::default()).unwrap();
    assert_eq!(classes(&header), ["cat", "dog"]);
    let blanks = named("list.txt", "img/sub/5.jpg cat\nimg/4.jpg dog\n", &ColumnConfig::default()).unwrap();
    assert_eq!(classes(&blanks), ["dog", "cat"]);
    let splits = named(
        "list.csv",
        "0.jpg,cat,train\n1.jpg,dog,train\n2.jpg,cat,test\n3.jpg,dog,test\n",
        &ColumnConfig::default(),
    )
    .unwrap();
    assert_eq!(splits.samples()[3].split, DeclaredSplit::Test);
    let error = table_of("0.jpg,cat,me\n1.jpg,dog,you\n").unwrap_err();
    assert!(error.contains("line 1: the table has no header: 0.jpg is an image"), "{error}");
}

#[test]
fn labels_that_say_the_same_are_one_class_and_words_for_none_are_none() {
    for (labels, expected, told) in [
        (["1", "1.0", "2", "2.0"], vec!["1", "1", "2", "2"], "labels such as 1.0 (line 3) are whole numbers"),
        (["0.0", "1.0", "0.0", "1.0"], vec!["0", "1", "0", "1"], "whole numbers"),
        (["10", "9", "2", "1"], vec!["10", "9", "2", "1"], ""),
        (
            ["cat", "dog", "nan", "cat"],
            vec!["cat", "dog", "cat"],
            "labelled \"nan\", which stands for no label",
        ),
        (
            ["cat", "dog", "None", ""],
            vec!["cat", "dog"],
            "1 row has no label and is left out, line 5 (3.jpg) for one",
        ),
        (["1", "2", "NaN", "1"], vec!["1", "2", "1"], "NaN"),
        (["v1.0", "1", "v1.0", "1"], vec!["v1.0", "1", "v1.0", "1"], ""),
        (["1", "1.0", "cat", "2.0"], vec!["1", "1", "cat", "2.0"], "labels 1 and 1.0 are the same number"),
        (["1", "1.0", "0.5", "0.5"], vec!["1", "1", "0.5", "0.5"], "labels 1 and 1.0 are the same number"),
        (["0.5", "1", "0.5", "1"], vec!["0.5", "1", "0.5", "1"], "decimal numbers (line 2: 0.5)"),
        (["['cat']", "[\"dog\"]", "['cat']", "['dog']"], vec!["cat", "dog", "cat", "dog"], ""),
    ] {
        let mut text = "path\tlabel\n".to_owned();
        for (number, label) in labels.iter().enumerate() {
            writeln!(text, "{number}.jpg\t{label}").unwrap();
        }
        let dataset = named("list.tsv", &text, &ColumnConfig::default())
            .unwrap_or_else(|error| panic!("{text}{error}"));
        assert_eq!(classes(&dataset), expected, "{text}");
        let said = said(&dataset);
        assert!(said.contains(told) && said.is_empty() == told.is_empty(), "{text}{said}");
    }
    let json = "{\"path\": \"0.jpg\", \"label\": 1}\n{\"path\": \"1.jpg\", \"label\": 1.0}\n{\"path\": \"2.jpg\", \"label\": \"cat\"}\n";
    let json = named("list.jsonl", json, &ColumnConfig::default()).unwrap();
    assert_eq!(classes(&json), ["1", "1", "cat"]);
    let error =
        named("list.tsv", "path\tlabel\n0.jpg\t1,000\n1.jpg\t1000\n2.jpg\t1\n", &ColumnConfig::default());
    let error = error.unwrap_err();
    assert!(error.contains("line 2: the label `1,000` could be 1 with a decimal comma or 1000"), "{error}");
    let numbers = table_of("path,label\n0.jpg,10\n1.jpg,9\n2.jpg,2.0\n").unwrap();
    assert_eq!(numbers.classes(), ["2", "9", "10"]);
    let error = table_of("path,label\n0.jpg,\n1.jpg,nan\n").unwrap_err();
    assert!(error.contains("has no label in any of its rows"), "{error}");
    let error = table_of("path,label\n0.jpg,\"['a', 'b']\"\n1.jpg,['a']\n").unwrap_err();
    assert!(
        error.contains("line 2: 0.jpg has several classes, ['a', 'b']: this is multi-label data"),
        "{error}"
    );
    let error = named(
        "list.jsonl",
        "{\"path\": \"0.jpg\", \"label\": [1, 2]}\n{\"path\": \"1.jpg\", \"label\": [1]}\n",
        &ColumnConfig::default(),
    )
    .unwrap_err();
    assert!(error.contains("multi-label data"), "{error}");

    let image = photograph();
    let names: Vec<String> = (0..40).map(|number| format!("{number}.jpg")).collect();
    let mut files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), image.as_slice())).collect();
    let text: String = names
        .iter()
        .enumerate()
        .fold("path;label\n".to_owned(), |text, (number, name)| text + &format!("{name};0,{number:02}5\n"));
    files.push(("l.csv", text.as_bytes()));
    let folder = tree(&files);
    let error = Dataset::open(&SourceConfig::at(folder.path().join("l.csv"))).unwrap_err().to_string();
    assert!(error.contains("40 different decimal numbers") && error.contains("regression"), "{error}");
}

#[test]
fn rows_that_repeat_another_are_left_out_and_rows_that_contradict_one_are_errors() {
    let dataset = table_of("path,label\n0.jpg,cat\n1.jpg,dog\n./0.jpg,cat\n.\\0.jpg,cat\n").unwrap();
    assert_eq!(dataset.samples().len(), 2);
    assert_eq!(dataset.warnings(), [Warning::RepeatedRows { table: "list.csv".into(), count: 2, line: 4 }]);
    let error = table_of("path,label\n0.jpg,cat\n1.jpg,dog\n0.jpg,dog\n").unwrap_err();
    assert!(
        error.contains(
            "line 4: 0.jpg is listed twice, first on line 2; remove one of them (as cat there and dog here)"
        ),
        "{error}"
    );
}

#[test]
fn a_test_table_without_labels_is_said_to_be_unused() {
    let image = photograph();
    let folder = tree(&[
        ("train.csv", b"id,label\n0.jpg,cat\n1.jpg,dog\n"),
        ("test.csv", b"id\n2.jpg\n"),
        ("0.jpg", &image),
        ("1.jpg", &image),
        ("2.jpg", &image),
    ]);
    let dataset = Dataset::open(&SourceConfig::at(folder.path())).unwrap();
    assert_eq!(dataset.samples().len(), 2);
    assert!(said(&dataset).contains("test.csv: is not used, since it says no classes"), "{}", said(&dataset));
}

/// Text as some program would save it.
fn saved(text: &str, encoding: usize) -> Vec<u8> {
    let utf16 = |mark: &str, unit: fn(u16) -> [u8; 2]| {
        format!("{mark}{text}").encode_utf16().flat_map(unit).collect()
    };
    match encoding {
        0 => text.as_bytes().to_vec(),
        1 => format!("\u{feff}{text}").into_bytes(),
        2 => utf16("\u{feff}", u16::to_le_bytes),
        3 => utf16("\u{feff}", u16::to_be_bytes),
        _ => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Whoever wrote it, a table means the same.
    #[test]
    fn a_table_means_the_same_whatever_program_wrote_it(
        encoding in 0..5usize,
        separator in prop::sample::select(vec![',', ';', '\t', '|']),
        declared in any::<bool>(),
        comma in any::<bool>(),
        end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        last in any::<bool>(),
        path in prop::sample::select(vec!["path", "file_name", "Filename", "image", "Image Path"]),
        label in prop::sample::select(vec!["label", "Class", "breed", "target"]),
        backslashes in any::<bool>(),
        quoted in any::<bool>(),
        more in any::<bool>(),
    ) {
        let image = photograph();
        let files = ["größe/0.jpg", "größe/1.jpg", "größe/2.jpg", "größe/3 a.jpg"];
        let mut all: Vec<(&str, &[u8])> = files.map(|file| (file, image.as_slice())).into();
        let number = |value: &str| if comma && separator != ',' { value.replace('.', ",") } else { value.to_owned() };
        let mut lines: Vec<String> = Vec::new();
        if declared {
            lines.push(format!("sep={separator}"));
        }
        let join = |cells: Vec<String>| cells.join(&separator.to_string());
        let extra = |cell: &str| more.then(|| cell.to_owned());
        lines.push(join([path.to_owned(), label.to_owned()].into_iter().chain(extra("breite")).collect()));
        for (file, class) in files.iter().zip(["1.0", "2.0", "1.0", "2.0"]) {
            let file = if backslashes && cfg!(unix) { file.replace('/', "\\") } else { (*file).to_owned() };
            let file = if quoted || separator == ' ' { format!("\"{file}\"") } else { file };
            lines.push(join([file, number(class)].into_iter().chain(extra("é")).collect()));
        }
        let mut text = lines.join(end);
        if last {
            text += end;
        }
        let bytes = saved(&text, encoding);
        all.push(("list.csv", &bytes));
        let folder = tree(&all);
        let dataset = Dataset::open(&SourceConfig::at(folder.path().join("list.csv")));
        let dataset = dataset.unwrap_or_else(|error| panic!("{text:?}: {error}"));
        prop_assert_eq!(dataset.classes(), ["1", "2"]);
        prop_assert_eq!(classes(&dataset), ["1", "2", "1", "2"]);
        let ids: Vec<&str> = dataset.samples().iter().map(|sample| sample.id.as_str()).collect();
        prop_assert_eq!(ids, files);
        let told = said(&dataset);
        prop_assert_eq!(told.contains("Windows-1252"), encoding == 4, "{}", told);
    }
}

#[test]
fn a_table_names_no_column_of_more_than_one_file_twice() {
    // What is said is about the table that it is true of.
    let image = photograph();
    let folder = tree(&[
        ("train.csv", b"file_name,label\n0.jpg,cat\n1.jpg,dog\n"),
        ("test.csv", b"path,label\n2.jpg,cat\n3.jpg,dog\n"),
        ("0.jpg", &image),
        ("1.jpg", &image),
        ("2.jpg", &image),
        ("3.jpg", &image),
    ]);
    let dataset = Dataset::open(&SourceConfig::at(folder.path())).unwrap();
    assert_eq!(dataset.warnings().len(), 1, "{}", said(&dataset));
}

//! Rows, lines and files, in whatever order and encoding.

use crate::support::*;

#[test]
fn the_order_of_epochs_is_that_of_the_rows_and_what_was_decided_is_said() {
    let rows = |epochs: &[&str]| {
        let mut text = String::from("epoch,val_acc\n");
        epochs.iter().zip(1..).for_each(|(epoch, at)| writeln!(text, "{epoch},0.{at:02}").unwrap());
        text
    };
    for (epochs, expected, words) in [
        (
            &["0", "1", "2", "3", "0", "1"][..],
            0.06,
            "line 6 the epoch falls back from 3 to 0. This was taken for another stage",
        ),
        (
            &["0", "1", "2", "3", "2", "3", "4"],
            0.07,
            "line 6 the epoch falls back from 3 to 2. This was taken for training that was resumed",
        ),
        (&["3", "2", "1", "0"], 0.01, "read from its end"),
        (&["0", "1", "1"], 0.03, "epoch 1 was measured again at line 4"),
        (&["0.98", "1.97", "2.95"], 0.03, ""),
        (&["0.0", "1.0", "2.0"], 0.03, ""),
        (&["5", "10", "15"], 0.03, ""),
    ] {
        let (found, warnings) = value(&rows(epochs)).unwrap();
        assert_eq!(found, expected, "{epochs:?}");
        assert_eq!(warnings.len(), usize::from(!words.is_empty()), "{warnings:?}");
        assert!(warnings.iter().all(|w| w.contains(words) && w.contains("log.csv")), "{warnings:?}");
    }
}

#[test]
fn lines_that_are_no_epoch_stop_nothing() {
    let plain = "epoch,val_acc,lr\n0,0.5,0.1\n1,0.6984,0.1\n";
    for (text, warned) in [
        (plain.to_owned(), false),
        (plain.replace("\n1,", "\nepoch,val_acc,lr\n1,"), false),
        (plain.replace("\n1,", "\n\nEpoch,val_acc,lr\n1,"), false),
        (plain.replace("lr\n", "lr,\n").replace("0.1\n", "0.1,\n"), false),
        (format!("{plain}2,0.7"), true),
        (format!("{plain}2,"), true),
        (format!("{plain}2,0.7,"), false),
        (format!("{plain}2,\"0.7"), true),
        (plain.replace("0.6984,0.1\n", "0.6984,lots\n"), true),
    ] {
        let (found, warnings) = value(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let expected = if text.ends_with("2,0.7,") { 0.7 } else { 0.6984 };
        assert_eq!(found, expected, "{text:?}");
        assert_eq!(!warnings.is_empty(), warned, "{text:?}: {warnings:?}");
        assert!(warnings.iter().all(|w| w.contains("log.csv")), "{warnings:?}");
    }
    // A number that breaks off.
    let (found, warnings) = value("epoch,val_acc\n0,0.5012\n1,0.6984\n2,0.7").unwrap();
    assert!(found == 0.6984 && warnings[0].contains("its last line, 4, breaks off"), "{warnings:?}");
    let told = value("epoch,val_acc\n0,0.5\nepoch,loss\n1,0.6\n").unwrap_err();
    assert!(told.contains("log.csv:3: column 1 (`epoch`): `epoch`: another header"), "{told}");
    let told = value("epoch,val_acc\n0,0,5\n1,0,6\n").unwrap_err();
    assert!(told.contains("decimal commas"), "{told}");
}

#[test]
fn every_kind_of_file_is_read_however_it_is_written() {
    let kinds = [
        (
            "recipe,seed,image,label,predicted\nnone,1,ä.jpg,k,k\nnone,1,b.jpg,k,l\ncutmix,1,ä.jpg,k,k\ncutmix,1,b.jpg,k,k\n",
            1.0,
        ),
        ("recipe,seed,accuracy\nnone,1,0.5\ncutmix,1,0.625\n", 0.625),
        (
            "recipe,seed,image,probability\nnone,1,x,0.5\nnone,1,y,0.25\ncutmix,1,x,0.75\ncutmix,1,y,0.5\n",
            0.625,
        ),
        ("recipe,seed,epoch,val_acc\nnone,1,0,0.25\nnone,1,1,0.5\ncutmix,1,0,0.5\ncutmix,1,1,0.625\n", 0.625),
    ];
    let files = Files::new();
    for (text, expected) in kinds {
        for delimiter in [',', ';', '\t', '|'] {
            for comma in [false, true] {
                if comma && delimiter == ',' {
                    continue;
                }
                let number = |cell: &str| {
                    let digits = cell.contains('.') && cell.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                    if comma && digits { cell.replace('.', ",") } else { cell.to_owned() }
                };
                let line =
                    |line: &str| line.split(',').map(number).collect::<Vec<_>>().join(&delimiter.to_string());
                let body: String = text.lines().map(|text| line(text) + "\r\n").collect();
                let declared = format!("sep={delimiter}\r\n{body}");
                let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
                for bytes in [
                    body.clone().into_bytes(),
                    declared.clone().into_bytes(),
                    format!("\u{feff}{body}").into_bytes(),
                    wide(&format!("\u{feff}{declared}")),
                    wide(&body),
                    body.replace("\r\n", "\r").into_bytes(),
                ] {
                    let path = files.path("file.csv");
                    std::fs::write(&path, bytes).unwrap();
                    let results = Results::read(&[Source::of(&path)], &ResultsOptions::default())
                        .unwrap_or_else(|error| panic!("{body}: {error}"));
                    let cutmix = results.runs.iter().find(|run| run.recipe == "cutmix").unwrap();
                    assert_eq!(cutmix.value, expected, "{body}");
                    assert!(results.warnings.iter().all(|w| !w.contains("UTF-8")), "{:?}", results.warnings);
                }
            }
        }
    }
}

use super::*;

#[test]
fn a_folder_without_a_run_is_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &Path| RunFolder::open(path).unwrap_err().to_string();
    assert!(message(folder.path()).contains("holds no plan.json"));
    assert!(message(&folder.path().join("x")).contains("no such folder"));
    fs::write(folder.path().join("f"), "").unwrap();
    assert!(message(&folder.path().join("f")).contains("not a folder"));
    // A name too long for the system is an error of the system, as a folder that may not be entered is.
    let long = "x".repeat(5000);
    assert!(message(&folder.path().join(long)).starts_with("cannot read"));
}

#[test]
fn a_metrics_line_cut_off_by_a_crash_is_not_counted_and_a_broken_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    assert_eq!(read_metrics(&path, "a").unwrap(), []);
    let line = r#"{"epoch":1,"train_loss":2.0,"train_top1":0.1,"validation_loss":2.0,"validation_top1":0.1,"validation_top5":0.5,"learning_rate":0.1,"images_per_second":9.0,"seconds":1.0}"#;
    fs::write(&path, format!("{line}\n{}", &line[..40])).unwrap();
    assert_eq!(read_metrics(&path, "a").unwrap().len(), 1);
    fs::write(&path, format!("{}\n{line}\n", &line[..40])).unwrap();
    assert!(read_metrics(&path, "a").unwrap_err().contains("line 1"));
    // An epoch that stands twice.
    fs::write(&path, format!("{line}\n{line}\n")).unwrap();
    assert!(read_metrics(&path, "a").unwrap_err().contains("line 2 of metrics.jsonl is epoch 1, not 2"));
}

#[test]
fn no_bit_of_an_epochs_line_can_change_a_number() {
    let line = r#"{"epoch":1,"train_loss":2.0,"train_top1":0.1,"validation_loss":2.5,"validation_top1":0.1,"validation_top5":0.5,"learning_rate":0.1,"images_per_second":9.0,"waiting":0.0,"seconds":1.0}"#;
    let record = epoch_of_line(line, "a").unwrap();
    let line = line_of_epoch(&record, "a").unwrap();
    assert_eq!(epoch_of_line(&line, "a").unwrap(), record);
    assert!(epoch_of_line(&line, "b").is_err(), "a line of another trial");
    // Checksums were of the line alone at first.
    let plain = serde_json::to_string(&record).unwrap();
    let digest = &bakeoff_files::sha256(&plain)[..CHECK_DIGITS];
    let earlier = format!("{}{CHECK}{digest}\"}}", plain.strip_suffix('}').unwrap());
    assert_eq!(epoch_of_line(&earlier, "a").unwrap(), record);
    for (at, bit) in (0..line.len()).flat_map(|at| (0..7).map(move |bit| (at, bit))) {
        let mut bytes = line.clone().into_bytes();
        bytes[at] ^= 1 << bit;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        // Found, or in the name of the checksum.
        assert!(
            epoch_of_line(&changed, "a").is_err() || epoch_of_line(&changed, "a").unwrap() == record,
            "{changed}"
        );
    }
}

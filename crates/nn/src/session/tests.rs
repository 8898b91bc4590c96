use super::*;
use crate::model::Builder;

/// Every kind of layer, small enough for the reference: stem, max-pool, one block with and one without downsampling.
fn tiny(classes: usize) -> Model {
    let mut net = Builder::new(12);
    let x = net.conv("conv1", 0, 5, 3, 1, 1);
    let x = net.batch_norm("bn1", x);
    let x = net.relu("relu", x);
    let from = net.max_pool("maxpool", x, 3, 2, 1);
    let x = net.conv("layer1.0.conv1", from, 7, 3, 2, 1);
    let x = net.batch_norm("layer1.0.bn1", x);
    let x = net.relu("layer1.0.relu1", x);
    let x = net.conv("layer1.0.conv2", x, 7, 3, 1, 1);
    let x = net.batch_norm("layer1.0.bn2", x);
    let skip = net.conv("layer1.0.downsample.0", from, 7, 1, 2, 0);
    let skip = net.batch_norm("layer1.0.downsample.1", skip);
    let x = net.add("layer1.0.add", x, skip);
    let from = net.relu("layer1.0.relu", x);
    let x = net.conv("layer1.1.conv1", from, 4, 1, 1, 0);
    let x = net.batch_norm("layer1.1.bn1", x);
    let x = net.relu("layer1.1.relu1", x);
    let x = net.conv("layer1.1.conv2", x, 7, 3, 1, 1);
    let x = net.batch_norm("layer1.1.bn2", x);
    let x = net.add("layer1.1.add", x, from);
    let x = net.relu("layer1.1.relu", x);
    let x = net.global_average_pool("avgpool", x);
    net.linear("fc", x, classes);
    net.finish("tiny", classes, 12)
}

fn session(model: &Model, backend: BackendKind, batch: usize, threads: usize) -> Session {
    let config = SessionConfig { batch, backend, threads, train: true, trainable: Trainable::All };
    Session::new(model, &Weights::initial(model, 3), config).unwrap()
}

fn batch(model: &Model, n: usize, seed: u64) -> (Vec<f32>, Vec<f32>) {
    let mut stream = bakeoff_random::Stream::new(seed, "session-test", 0, 0);
    let images = (0..n * model.layers[0].shape.len()).map(|_| stream.normal() as f32).collect();
    let mut targets = vec![0.0; n * model.classes];
    for row in targets.chunks_mut(model.classes) {
        // Soft, as mixers make them.
        let share = stream.uniform() as f32;
        row[stream.below(model.classes)] += share;
        row[stream.below(model.classes)] += 1.0 - share;
    }
    (images, targets)
}

fn step(momentum: f64) -> StepConfig {
    let optimizer = OptimizerConfig::Sgd {
        lr: 0.05,
        momentum,
        nesterov: momentum > 0.0,
        weight_decay: 1e-3,
        decay_norm_and_bias: false,
    };
    StepConfig { optimizer, lr: 0.05, label_smoothing: 0.1 }
}

#[test]
fn gradients_of_the_reference_match_finite_differences() {
    check_gradients(4, 2e-3, Regularisation::None);
}

#[test]
fn gradients_through_mixed_activations_match_finite_differences() {
    check_gradients(4, 2e-3, regularisation(&hidden_mix(1, 4)));
}

#[test]
fn gradients_of_the_divergence_among_views_match_finite_differences() {
    // A weight of twelve bends the loss more: a shorter step.
    check_gradients(6, 5e-4, Regularisation::JensenShannon { weight: 12.0 });
}

#[test]
fn gradients_of_weighted_images_match_finite_differences() {
    check_gradients(4, 2e-3, Regularisation::Weights(&[1.5, 0.0, 0.7, 1.0]));
}

#[test]
fn weights_of_images_multiply_their_losses_and_one_is_nothing_new() {
    let model = Model::by_name("resnet-tiny", 3, 32).unwrap();
    let (images, targets) = batch(&model, 3, 1);
    let mut session = session(&model, BackendKind::Cpu, 3, 2);
    let plain = session.backward(&images, &targets, 0.1).unwrap();
    let gradients = session.gradients().unwrap();
    let mut weighted =
        |weights: &[f32]| session.backward_with(&images, &targets, 0.1, Regularisation::Weights(weights));
    assert!((weighted(&[2.0, 2.0, 2.0]).unwrap() - 2.0 * plain).abs() < 1e-9);
    assert_eq!(weighted(&[0.0; 3]).unwrap(), 0.0);
    assert!(weighted(&[1.0, 1.0]).unwrap_err().to_string().starts_with("weights"));
    for wrong in [-0.5, f32::NAN, f32::INFINITY] {
        assert!(weighted(&[1.0, wrong, 1.0]).unwrap_err().to_string().contains("is no weight of an image"));
    }
    assert_eq!(weighted(&[1.0; 3]).unwrap(), plain);
    assert!(session.gradients().unwrap() == gradients);
}

fn check_gradients(n: usize, length: f64, regularisation: Regularisation) {
    let model = tiny(3);
    let (images, mut targets) = batch(&model, n, 1);
    if let Regularisation::JensenShannon { .. } = regularisation {
        targets.truncate(targets.len() / 3);
    }
    let mut weights = Weights::initial(&model, 3);
    let config = SessionConfig {
        batch: n,
        backend: BackendKind::Reference,
        threads: 1,
        train: true,
        trainable: Trainable::All,
    };
    let mut session = Session::new(&model, &weights, config).unwrap();
    session.plan_hidden_mixes(&[1]).unwrap();
    session.backward_with(&images, &targets, 0.1, regularisation).unwrap();
    let gradients = session.gradients().unwrap();
    for (name, gradient) in gradients.iter() {
        // Along the gradient itself the slope is its norm; activations are f32, so the step must not be tiny.
        let norm = gradient.data.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
        let original = weights.get(name).unwrap().clone();
        let mut loss = |length: f64| {
            let data = original
                .data
                .iter()
                .zip(&gradient.data)
                .map(|(&w, &g)| (f64::from(w) + length * f64::from(g) / norm) as f32)
                .collect();
            weights.insert(name, Tensor { shape: original.shape.clone(), data });
            session.restore(&Snapshot { weights: weights.clone(), momentum: Weights::new() }).unwrap();
            session.backward_with(&images, &targets, 0.1, regularisation).unwrap()
        };
        let slope = (loss(length) - loss(-length)) / (2.0 * length);
        weights.insert(name, original);
        assert!(
            (slope - norm).abs() < 0.02 * norm + 1e-5,
            "{name}: slope {slope}, norm of the gradient {norm}"
        );
    }
}

/// Partners that meet twice, once, themselves and never; for smaller batches what is left of them.
fn hidden_mix(stage: usize, n: usize) -> (Vec<usize>, Vec<f32>, usize) {
    let partners = [1, 3, 2, 1].into_iter().take(n).map(|partner: usize| partner.min(n - 1)).collect();
    (partners, [0.25, 0.6, 1.0, 0.9][..n].to_vec(), stage)
}

fn regularisation((partners, lambdas, stage): &(Vec<usize>, Vec<f32>, usize)) -> Regularisation<'_> {
    Regularisation::HiddenMix(HiddenMix { stage: *stage, partners, lambdas })
}

#[test]
fn the_fast_back_end_agrees_with_the_reference() {
    let cases = [
        (tiny(3), 4, None),
        (tiny(5), 1, None),
        (Model::by_name("resnet-small", 4, 32).unwrap(), 3, None),
        (tiny(3), 4, Some(1)),
        (tiny(3), 1, Some(1)),
        (Model::by_name("resnet-tiny", 4, 32).unwrap(), 3, Some(2)),
        (Model::by_name("resnet-tiny", 4, 32).unwrap(), 3, Some(4)),
    ];
    for (model, n, stage) in cases {
        let (images, targets) = batch(&model, n, 1);
        let mut fast = session(&model, BackendKind::Cpu, 4, 2);
        let mut slow = session(&model, BackendKind::Reference, 4, 1);
        let mix = stage.map(|stage| hidden_mix(stage, n));
        let losses = [&mut fast, &mut slow].map(|s| {
            s.plan_hidden_mixes(stage.as_slice()).unwrap();
            let mix = mix.as_ref().map(regularisation).unwrap_or_default();
            s.backward_with(&images, &targets, 0.1, mix).unwrap()
        });
        assert!((losses[0] - losses[1]).abs() < 1e-5, "{losses:?}");
        let (fast_gradients, slow_gradients) = (fast.gradients().unwrap(), slow.gradients().unwrap());
        for (name, expected) in slow_gradients.iter() {
            let got = fast_gradients.get(name).unwrap();
            let norm = |t: &[f32]| t.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
            let difference: Vec<f32> = got.data.iter().zip(&expected.data).map(|(a, b)| a - b).collect();
            assert!(norm(&difference) <= 1e-4 * norm(&expected.data) + 1e-6, "{name}");
        }
        let expected = slow.infer(&images).unwrap().to_vec();
        for (a, b) in fast.infer(&images).unwrap().iter().zip(&expected) {
            assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{a} {b}");
        }
        for (name, expected) in slow.weights().iter().filter(|(name, _)| name.contains("running")) {
            let got = fast.weights().get(name).unwrap().clone();
            for (a, b) in got.data.iter().zip(&expected.data) {
                assert!((a - b).abs() < 1e-5 * (1.0 + b.abs()), "{name}: {a} {b}");
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let model = Model::by_name("resnet18", 5, 64).unwrap();
    let run = |threads| {
        let mut session = session(&model, BackendKind::Cpu, 6, threads);
        for i in 0..3 {
            // The last batch is smaller.
            let (images, targets) = batch(&model, if i == 2 { 5 } else { 6 }, i);
            session.train_step(&images, &targets, &step(0.9)).unwrap();
        }
        session.plan_hidden_mixes(&[2]).unwrap();
        let (images, targets) = batch(&model, 4, 8);
        let mix = hidden_mix(2, 4);
        session.train_step_with(&images, &targets, &step(0.9), regularisation(&mix)).unwrap();
        let (images, _) = batch(&model, 4, 9);
        let logits = session.infer(&images).unwrap().to_vec();
        (session.snapshot(), logits)
    };
    let one = run(1);
    assert!(one == run(2), "two threads");
    assert!(one == run(3), "three threads");
}

fn train(session: &mut Session, batches: &[(Vec<f32>, Vec<f32>)]) {
    for (images, targets) in batches {
        session.train_step(images, targets, &step(0.9)).unwrap();
    }
}

#[test]
fn a_restored_session_goes_on_bit_by_bit() {
    let model = tiny(3);
    let batches: Vec<_> = (0..6).map(|i| batch(&model, 4, i)).collect();
    let mut whole = session(&model, BackendKind::Cpu, 4, 1);
    train(&mut whole, &batches);
    let mut first = session(&model, BackendKind::Cpu, 4, 2);
    train(&mut first, &batches[..3]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot.safetensors");
    first.snapshot().write(&path, HashMap::new()).unwrap();
    let (snapshot, _) = Snapshot::read(&path).unwrap();
    let other = Weights::initial(&model, 99);
    let config = SessionConfig {
        batch: 4,
        backend: BackendKind::Cpu,
        threads: 1,
        train: true,
        trainable: Trainable::All,
    };
    let mut second = Session::new(&model, &other, config).unwrap();
    second.restore(&snapshot).unwrap();
    train(&mut second, &batches[3..]);
    assert!(second.snapshot() == whole.snapshot());
}

#[test]
fn freed_buffers_are_never_read_again() {
    let model = tiny(3);
    let run = |poison: bool| {
        let mut session = session(&model, BackendKind::Cpu, 4, 1);
        session.plan_hidden_mixes(&[1]).unwrap();
        if poison {
            session.poison_freed_buffers();
        }
        let mut losses = Vec::new();
        for i in 0..3 {
            let (images, targets) = batch(&model, 4 - i, i as u64);
            losses.push(session.train_step(&images, &targets, &step(0.9)).unwrap().loss);
            let mix = hidden_mix(1, 4 - i);
            let mixed = session.train_step_with(&images, &targets, &step(0.9), regularisation(&mix));
            losses.push(mixed.unwrap().loss);
            losses.extend(session.infer(&images).unwrap().iter().map(|&l| f64::from(l)));
        }
        assert!(losses.iter().all(|l| l.is_finite()));
        (losses, session.snapshot())
    };
    assert!(run(false) == run(true));
}

#[test]
fn training_lowers_the_loss_and_inference_agrees_with_it() {
    let model = Model::by_name("resnet-small", 3, 32).unwrap();
    let mut session = session(&model, BackendKind::Cpu, 12, 2);
    let (images, _) = batch(&model, 12, 1);
    let mut targets = vec![0.0; 36];
    (0..12).for_each(|i| targets[i * 3 + i % 3] = 1.0);
    let step = StepConfig { label_smoothing: 0.0, ..step(0.9) };
    let losses: Vec<f64> =
        (0..40).map(|_| session.train_step(&images, &targets, &step).unwrap().loss).collect();
    assert!(losses[0] > 0.8 && losses[39] < 0.05, "{losses:?}");
    let logits = session.infer(&images).unwrap();
    for (i, row) in logits.chunks(3).enumerate() {
        let best = (0..3).max_by(|&a, &b| row[a].total_cmp(&row[b]));
        assert_eq!(best, Some(i % 3), "image {i}: {row:?}");
    }
}

#[test]
fn a_session_for_inference_is_small_and_agrees() {
    let model = Model::by_name("resnet18", 10, 64).unwrap();
    let weights = Weights::initial(&model, 3);
    let config = SessionConfig {
        batch: 4,
        backend: BackendKind::Cpu,
        threads: 1,
        train: false,
        trainable: Trainable::All,
    };
    let mut small = Session::new(&model, &weights, config).unwrap();
    let mut large = session(&model, BackendKind::Cpu, 4, 1);
    let (images, targets) = batch(&model, 4, 1);
    assert_eq!(small.infer(&images).unwrap(), large.infer(&images).unwrap());
    // Fewer images than the batch give the same numbers for those.
    let all = small.infer(&images).unwrap().to_vec();
    let each = images.len() / 4;
    assert_eq!(small.infer(&images[..each]).unwrap(), &all[..10]);
    assert!(matches!(small.train_step(&images, &targets, &step(0.0)), Err(NnError::InferenceOnly(_))));
    large.train_step(&images, &targets, &step(0.9)).unwrap();
    assert!(small.memory_bytes() * 3 < large.memory_bytes() * 2);
}

#[test]
fn a_diverged_loss_is_told_and_moves_no_weight() {
    let model = tiny(3);
    let mut session = session(&model, BackendKind::Cpu, 4, 1);
    let (mut images, targets) = batch(&model, 4, 1);
    images[5] = f32::NAN;
    let before = session.weights();
    let result = session.train_step(&images, &targets, &step(0.9)).unwrap();
    assert!(!result.loss.is_finite());
    assert_eq!(session.weights().get("fc.weight"), before.get("fc.weight"));
    assert_eq!(session.weights().get("conv1.weight"), before.get("conv1.weight"));
}

#[test]
fn wrong_inputs_are_named() {
    let model = tiny(3);
    let mut session = session(&model, BackendKind::Cpu, 4, 1);
    let (images, targets) = batch(&model, 4, 1);
    let message = |result: Result<StepResult, NnError>| result.unwrap_err().to_string();
    assert!(message(session.train_step(&images[1..], &targets, &step(0.0))).starts_with("images"));
    assert!(message(session.train_step(&[], &[], &step(0.0))).starts_with("images"));
    assert!(message(session.train_step(&images, &targets[1..], &step(0.0))).starts_with("targets"));
    let (many, _) = batch(&model, 5, 1);
    assert!(session.infer(&many).is_err());
    let config = SessionConfig {
        batch: 0,
        backend: BackendKind::Cpu,
        threads: 1,
        train: true,
        trainable: Trainable::All,
    };
    assert!(Session::new(&model, &Weights::initial(&model, 1), config).is_err());
    let config = SessionConfig { batch: 1, ..config };
    let error = Session::new(&tiny(4), &Weights::initial(&model, 1), config).err().unwrap().to_string();
    assert!(error.contains("adapt"), "{error}");
}

#[test]
fn a_session_beyond_the_memory_is_refused_with_what_would_fit() {
    let model = Model::by_name("resnet50", 10, 224).unwrap();
    let config = SessionConfig {
        batch: 1_000_000,
        backend: BackendKind::Cpu,
        threads: 1,
        train: true,
        trainable: Trainable::All,
    };
    match Session::new(&model, &Weights::new(), config) {
        Err(NnError::OutOfMemory { bytes, fits, .. }) => {
            assert!(bytes > 1_000_000 * 50_000_000);
            assert!(fits.is_none_or(|batch| batch < 1_000_000));
        }
        other => panic!("{:?}", other.err()),
    }
    let fits = Session::largest_batch(&model, &config, 2 << 30).unwrap();
    let bytes = |batch| Session::planned_bytes(&model, &SessionConfig { batch, ..config });
    assert!(bytes(fits) <= 2 << 30 && bytes(fits + 1) > 2 << 30, "{fits}");
}

#[test]
fn sessions_may_move_between_threads() {
    fn check<T: Send>(_: &T) {}
    check(&session(&tiny(3), BackendKind::Cpu, 1, 1));
}

#[test]
fn a_profile_names_every_layer_and_counts_its_work() {
    let model = tiny(3);
    let mut session = session(&model, BackendKind::Cpu, 4, 1);
    session.set_profiling(true);
    let (images, targets) = batch(&model, 4, 1);
    session.train_step(&images, &targets, &step(0.0)).unwrap();
    let profile = session.profile();
    let flops: u64 = profile.iter().map(|layer| layer.flops).sum();
    assert_eq!(flops, 4 * model.flops(true));
    assert!(profile.iter().all(|layer| layer.calls == 1 && layer.bytes > 0));
    assert!(profile.iter().any(|layer| layer.layer == "layer1.0.bn2" && layer.kind == "norm backward"));
}

#[test]
fn training_the_head_moves_the_head_alone_and_by_its_gradient() {
    let model = Model::by_name("resnet-small", 3, 32).unwrap();
    let weights = Weights::initial(&model, 3);
    let (images, targets) = batch(&model, 4, 1);
    let run = |backend, threads, momentum| {
        let config = SessionConfig { batch: 4, backend, threads, train: true, trainable: Trainable::Head };
        let mut session = Session::new(&model, &weights, config).unwrap();
        let logits = session.infer(&images).unwrap().to_vec();
        for _ in 0..2 {
            session.train_step(&images, &targets, &step(momentum)).unwrap();
        }
        (logits, session)
    };
    let (logits, session) = run(BackendKind::Cpu, 1, 0.9);
    let trained = session.weights();
    for (name, before) in weights.iter() {
        assert_eq!(trained.get(name) == Some(before), !name.starts_with("fc."), "{name}");
    }
    let whole = SessionConfig { trainable: Trainable::All, ..*session.config() };
    assert!(Session::planned_bytes(&model, session.config()) * 2 < Session::planned_bytes(&model, &whole));
    // Velocities of the head alone, and back again.
    let snapshot = session.snapshot();
    let names: Vec<&str> = snapshot.momentum.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["fc.weight", "fc.bias"]);
    let (_, mut other) = run(BackendKind::Cpu, 3, 0.9);
    assert_eq!(other.snapshot(), snapshot, "the same bits for any number of threads");
    other.restore(&snapshot).unwrap();
    assert_eq!(other.snapshot(), snapshot);
    let slow = run(BackendKind::Reference, 1, 0.9).1.weights();
    for name in names {
        let pairs = trained.get(name).unwrap().data.iter().zip(&slow.get(name).unwrap().data);
        pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-5, "{name}: {a} {b}"));
    }

    // One plain step: the bias moves by the mean of probability − target, of the logits that inference gives.
    let config = SessionConfig {
        batch: 4,
        backend: BackendKind::Cpu,
        threads: 1,
        train: true,
        trainable: Trainable::Head,
    };
    let mut session = Session::new(&model, &weights, config).unwrap();
    let plain = StepConfig { label_smoothing: 0.0, ..step(0.0) };
    session.train_step(&images, &targets, &plain).unwrap();
    let (before, after) =
        (weights.get("fc.bias").unwrap(), session.weights().get("fc.bias").unwrap().clone());
    for class in 0..3 {
        let gradient: f64 = (0..4)
            .map(|i| {
                let row = logits[i * 3..][..3].iter().map(|&l| f64::from(l).exp());
                let probability = f64::from(logits[i * 3 + class]).exp() / row.sum::<f64>();
                (probability - f64::from(targets[i * 3 + class])) / 4.0
            })
            .sum();
        let expected = f64::from(before.data[class]) - 0.05 * gradient;
        assert!((f64::from(after.data[class]) - expected).abs() < 1e-6, "{class}");
    }
}

#[test]
fn mixing_that_changes_nothing_is_a_step_like_any_other() {
    let model = tiny(3);
    let run = |mix: Regularisation| {
        let mut session = session(&model, BackendKind::Cpu, 4, 1);
        session.plan_hidden_mixes(&[1]).unwrap();
        let (images, targets) = batch(&model, 4, 1);
        session.train_step_with(&images, &targets, &step(0.9), mix).unwrap();
        session.snapshot()
    };
    let alone = HiddenMix { stage: 1, partners: &[0, 1, 2, 3], lambdas: &[1.0; 4] };
    let whole = HiddenMix { stage: 1, partners: &[3, 2, 1, 0], lambdas: &[1.0; 4] };
    let plain = run(Regularisation::None);
    assert!(run(Regularisation::HiddenMix(alone)) == plain);
    assert!(run(Regularisation::HiddenMix(whole)) == plain);
}

#[test]
fn a_frozen_backbone_mixes_its_activations_too() {
    let model = Model::by_name("resnet-tiny", 3, 32).unwrap();
    let (images, targets) = batch(&model, 2, 1);
    let config = SessionConfig {
        batch: 2,
        backend: BackendKind::Cpu,
        threads: 1,
        train: true,
        trainable: Trainable::Head,
    };
    let mut session = Session::new(&model, &Weights::initial(&model, 3), config).unwrap();
    session.plan_hidden_mixes(&[1, 4]).unwrap();
    let mut loss = |stage, lambda| {
        let lambdas = [lambda; 2];
        let mix = HiddenMix { stage, partners: &[1, 0], lambdas: &lambdas };
        session.backward_with(&images, &targets, 0.0, Regularisation::HiddenMix(mix)).unwrap()
    };
    let plain = loss(4, 1.0);
    assert_eq!(plain, loss(1, 1.0));
    assert!(plain != loss(4, 0.5) && loss(4, 0.5) != loss(1, 0.5));
}

#[test]
fn mixing_that_was_not_planned_for_or_cannot_be_is_named() {
    let model = tiny(3);
    let mut session = session(&model, BackendKind::Cpu, 4, 1);
    let (images, targets) = batch(&model, 2, 1);
    let mut message = |partners: &[usize], lambdas: &[f32]| {
        let mix = Regularisation::HiddenMix(HiddenMix { stage: 1, partners, lambdas });
        session.train_step_with(&images, &targets, &step(0.9), mix).unwrap_err().to_string()
    };
    assert!(message(&[1, 0], &[0.5, 0.5]).contains("stage 1 was not planned"));
    assert!(message(&[1, 0, 0], &[0.5, 0.5]).starts_with("partners"));
    for stage in [0, 2] {
        let error = session.plan_hidden_mixes(&[stage]).unwrap_err().to_string();
        assert!(error.contains("tiny has stages 1 to 1, and none with number"), "{error}");
    }
}

#[test]
fn views_without_a_weight_train_on_the_first_one_alone() {
    let model = Model::by_name("resnet-tiny", 3, 32).unwrap();
    let (images, targets) = batch(&model, 3, 1);
    let config = SessionConfig {
        batch: 3,
        backend: BackendKind::Cpu,
        threads: 2,
        train: true,
        trainable: Trainable::Head,
    };
    let mut session = Session::new(&model, &Weights::initial(&model, 3), config).unwrap();
    let each = images.len() / 3;
    let plain = session.backward(&images[..each], &targets[..3], 0.1).unwrap();
    let mut views =
        |weight| session.backward_with(&images, &targets[..3], 0.1, Regularisation::JensenShannon { weight });
    assert_eq!(views(0.0).unwrap(), plain);
    assert!(views(12.0).unwrap() > plain);
    assert!(views(f64::NAN).unwrap_err().to_string().contains("is no weight"));
    let error = session.backward_with(
        &images[..2 * each],
        &targets[..3],
        0.1,
        Regularisation::JensenShannon { weight: 12.0 },
    );
    assert!(error.unwrap_err().to_string().starts_with("images"));
}

#[test]
fn class_activation_maps_average_to_the_scores() {
    for (model, backend, train) in [
        (tiny(3), BackendKind::Reference, true),
        (tiny(3), BackendKind::Cpu, false),
        (Model::by_name("resnet-tiny", 5, 32).unwrap(), BackendKind::Cpu, true),
        (Model::by_name("resnet18", 5, 64).unwrap(), BackendKind::Cpu, false),
    ] {
        let (images, targets) = batch(&model, 3, 1);
        let mut session = session(&model, backend, 4, 2);
        // Running statistics and a bias that are not the first ones.
        session.train_step(&images, &targets, &step(0.0)).unwrap();
        let config = SessionConfig { train, ..*session.config() };
        let mut session = Session::new(&model, &session.weights(), config).unwrap();
        let scores = session.infer(&images).unwrap().to_vec();
        let bias = session.weights().get("fc.bias").unwrap().data.clone();
        let classes = [2, 0, 1];
        let maps = session.class_activation_maps(&images, &classes).unwrap();
        let size = maps.rows * maps.columns;
        assert_eq!(maps.values.len(), 3 * size);
        for (i, class) in classes.into_iter().enumerate() {
            let mean = maps.values[i * size..][..size].iter().sum::<f32>() / size as f32;
            let score = scores[i * model.classes() + class];
            assert!((mean + bias[class] - score).abs() < 1e-4 * score.abs().max(1.0), "{mean} {score}");
        }
        assert_eq!(session.infer(&images).unwrap(), scores);
        let error = session.class_activation_maps(&images, &[0, 1]).unwrap_err().to_string();
        assert!(error.contains("one for each of 3 images"), "{error}");
        let error = session.class_activation_maps(&images, &[0, 99, 1]).unwrap_err().to_string();
        assert!(error.contains("no class 99"), "{error}");
    }
}

#[test]
fn the_gradient_of_the_images_matches_finite_differences() {
    let model = tiny(3);
    let (images, targets) = batch(&model, 4, 1);
    let mut session = session(&model, BackendKind::Reference, 4, 1);
    let gradient = session.input_gradient(&images, &targets).unwrap();
    let norm = gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
    let mut loss = |length: f64| {
        let along = |(&x, &g): (&f32, &f32)| (f64::from(x) + length * f64::from(g) / norm) as f32;
        let moved: Vec<f32> = images.iter().zip(&gradient).map(along).collect();
        session.backward(&moved, &targets, 0.0).unwrap()
    };
    let slope = (loss(1e-2) - loss(-1e-2)) / 2e-2;
    assert!((slope - norm).abs() < 0.02 * norm, "slope {slope}, norm of the gradient {norm}");
}

#[test]
fn the_gradient_of_the_images_is_everybodys_and_leaves_no_trace() {
    for (model, trainable) in [
        (tiny(3), Trainable::All),
        (Model::by_name("resnet-tiny", 4, 32).unwrap(), Trainable::Head),
        (Model::by_name("resnet18", 4, 64).unwrap(), Trainable::All),
    ] {
        let (images, targets) = batch(&model, 3, 8);
        let config =
            SessionConfig { batch: 3, backend: BackendKind::Cpu, threads: 2, train: true, trainable };
        let start = |config| Session::new(&model, &Weights::initial(&model, 3), config).unwrap();
        let mut session = start(config);
        session.poison_freed_buffers();
        let before = session.snapshot();
        let gradient = session.input_gradient(&images, &targets).unwrap();
        assert_eq!(session.snapshot(), before);
        session.train_step(&images, &targets, &step(0.9)).unwrap();
        let mut other = start(SessionConfig { threads: 1, ..config });
        other.train_step(&images, &targets, &step(0.9)).unwrap();
        assert_eq!(session.snapshot(), other.snapshot(), "the step after it is another");
        let mut reference = start(SessionConfig { backend: BackendKind::Reference, ..config });
        let expected = reference.input_gradient(&images, &targets).unwrap();
        let length = |values: &[f32]| values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        let apart: Vec<f32> = gradient.iter().zip(&expected).map(|(a, b)| a - b).collect();
        // Not less: an activation that is zero to rounding may have its ReLU open on one side and closed on the other.
        assert!(length(&apart) < 2e-2 * length(&expected), "{} of {}", length(&apart), length(&expected));
        let other = start(SessionConfig { threads: 1, ..config }).input_gradient(&images, &targets).unwrap();
        assert_eq!(gradient, other, "another number of threads");
        let nowhere = vec![f32::NAN; images.len()];
        assert!(session.input_gradient(&nowhere, &targets).unwrap().iter().all(|&g| g == 0.0));
        assert!(session.input_gradient(&images, &targets[1..]).is_err());
    }
}

#[test]
fn fresh_weights_are_the_initial_ones() {
    let model = Model::by_name("resnet-tiny", 4, 32).unwrap();
    let config = *session(&model, BackendKind::Cpu, 2, 2).config();
    let fresh = Session::fresh(&model, 11, config).unwrap().snapshot();
    assert_eq!(fresh.weights, Weights::initial(&model, 11));
}
